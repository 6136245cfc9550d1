"""Feeds that remember what they show: what is remembered, what is made anew, what a page of an old feed shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from gateway.feed import get_feed
from gateway.feed_types import NO_WISH, Feed, FeedContext, FeedRequest, LogWish, Seen, ServedPosts
from gateway.served_memory import FEED_DIGITS, Remembered
from tests.gateway.test_feed import FakeClock, FakeTower, ids_of
from tests.gateway.test_restarted_feed import RankedIndex


@dataclass
class ServingTower(FakeTower):
    """Tells remembered posts apart from seen ones if it is asked to; has read the log up to 40."""

    shown: Sequence[int] | None = ()
    elsewhere: Sequence[int] = ()
    seen: Sequence[int] = ()
    wishes: list[LogWish] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.wishes.append(log)
        context = await super().encode_context(username, mood, bundle_id=bundle_id, seconds=seconds)
        served = ServedPosts(self.shown, self.elsewhere, read_up_to=41) if log.feed and self.shown is not None else None
        return replace(context, position=40, seen_post_ids=self.seen, served=served, served_since_ms=7)


@dataclass
class FakeMemory:
    """Finds the posts of the first ``taken`` answers taken, at position 50."""

    taken: int = 0
    asked: list[tuple[str, tuple[bytes, ...], str, int, float]] = field(default_factory=list)

    async def remember_served(
        self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int, seconds: float
    ) -> Remembered:
        self.asked.append((username, tuple(posts), feed_id, read_up_to, seconds))
        return Remembered(position=50, is_taken=len(self.asked) <= self.taken)


def ask(
    index: RankedIndex, tower: ServingTower, memory: FakeMemory | None = None, *, share: float = 0.0, **fields: object
) -> Feed:
    request = FeedRequest(**({"username": "ana", "page_size": 3, "remember_served": True} | fields))
    making = get_feed(
        request,
        encoder=tower,
        index=index,
        clock=FakeClock(),
        memory=memory or FakeMemory(),
        exploration_share=share,
    )
    return asyncio.run(making)


@pytest.mark.parametrize(("shown", "read_up_to"), [((), 41), (None, 0)])
def test_what_is_shown_is_remembered_under_the_id_of_the_answer(shown: Sequence[int] | None, read_up_to: int) -> None:
    memory = FakeMemory()
    page = ask(RankedIndex(range(9)), ServingTower(shown=shown), memory)
    assert memory.asked == [("ana", page.posts, page.feed_id, read_up_to, FakeClock().seconds_left())]


@pytest.mark.parametrize(("posts", "fields"), [(range(9), {"remember_served": False}), ((), {})])
def test_without_the_option_or_a_post_nothing_is_remembered(posts: Sequence[int], fields: dict[str, object]) -> None:
    memory = FakeMemory()
    ask(RankedIndex(posts), ServingTower(), memory, **fields)
    assert memory.asked == []


def test_an_answer_whose_posts_another_one_has_taken_is_made_anew_with_the_log_up_to_there() -> None:
    tower, memory = ServingTower(), FakeMemory(taken=2)
    page = ask(RankedIndex(range(9)), tower, memory)
    assert [wish.at_least for wish in tower.wishes] == [0, 50, 50]
    assert {wish.feed for wish in tower.wishes} == {page.feed_id[:FEED_DIGITS]}
    assert [feed_id for _, _, feed_id, _, _ in memory.asked] == [page.feed_id] * 3


def test_pages_of_a_feed_share_its_id_and_leave_out_what_was_shown() -> None:
    index, tower = RankedIndex(range(9)), ServingTower(shown=[1, 4], elsewhere=[3])
    first = ask(index, tower)
    second = ask(index, tower, page_token=first.next_page_token)
    assert (ids_of(first), ids_of(second), first.exhausted) == ([0, 2], [5, 6, 7], False)
    assert first.feed_id[:FEED_DIGITS] == second.feed_id[:FEED_DIGITS]
    assert len(first.feed_id) == len(second.feed_id) == FEED_DIGITS + 16
    assert first.feed_id != second.feed_id
    assert tower.wishes[1] == LogWish(as_of=40, at_least=40, served_since_ms=7, feed=first.feed_id[:FEED_DIGITS])


def test_a_feed_that_has_shown_everything_starts_again_and_its_pages_go_on() -> None:
    index, tower = RankedIndex([1, 3, 4, 7, 9]), ServingTower(shown=[9, 4, 7, 1, 3])
    pages, token = [], ""
    while token or not pages:
        page = ask(index, tower, share=1.0, page_size=2, page_token=token)
        assert page.exhausted
        pages.append(ids_of(page))
        token = page.next_page_token
    assert pages == [[4, 9], [1, 7], [3]]
    before, *again = index.searches
    assert before.exploration_share == 1.0
    assert {search.exploration_share for search in again} == {0.0}


def test_the_seed_of_what_is_explored_is_the_number_of_the_feed() -> None:
    index = RankedIndex(range(9))
    page = ask(index, ServingTower(), share=0.5)
    assert index.searches[0].exploration_seed == int(page.feed_id[:FEED_DIGITS], base=16) < 2**64


def test_without_memory_a_feed_of_seen_posts_alone_is_exhausted_and_empty() -> None:
    page = ask(RankedIndex([1, 2]), ServingTower(seen=[1, 2]), remember_served=False, seen=Seen.EXCLUDED)
    assert (page.posts, page.exhausted, page.next_page_token) == ((), True, "")


def test_without_memory_and_exclusion_an_empty_feed_is_not_exhausted() -> None:
    page = ask(RankedIndex([]), ServingTower(), remember_served=False)
    assert (page.posts, page.exhausted) == ((), False)


def test_a_page_that_the_rest_of_the_feed_follows_is_not_the_end_though_all_its_posts_are_withheld() -> None:
    page = ask(RankedIndex(range(9)), ServingTower(shown=[8], elsewhere=[0, 1, 2]))
    assert (page.posts, page.exhausted) == ((), False)
    assert page.next_page_token


def test_a_later_page_whose_posts_are_gone_is_the_end_and_does_not_start_again() -> None:
    index, tower = RankedIndex(range(9)), ServingTower(shown=[8])
    first = ask(index, tower)
    index.posts = range(3)
    second = ask(index, tower, page_token=first.next_page_token)
    assert (ids_of(first), second.posts, second.exhausted, second.next_page_token) == ([0, 1, 2], (), False, "")
