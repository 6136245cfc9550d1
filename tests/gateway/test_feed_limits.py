"""The feed function at its limits: of a request, of the time, and of what it may leave out."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from gateway.feed import get_feed
from gateway.feed_types import (
    NO_WISH,
    BundleNotHeldError,
    CategoryNotFoundError,
    DeadlineExceededError,
    Degradation,
    DependencyOverloadedError,
    DependencyUnavailableError,
    Feed,
    FeedCategory,
    FeedContext,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidPageSizeError,
    InvalidPageTokenError,
    InvalidPositionError,
    LogWish,
    MoodTooLongError,
    Search,
    TooManyExclusionsError,
    UserNotFoundError,
)
from gateway.token_life import TokenLife
from tests.gateway.test_feed import BUNDLE, CATEGORY, OTHER_BUNDLE, FakeIndex, FakeTower, ask, ids_of

NO_TOWER = Degradation("user", "USER_TOWER_UNAVAILABLE")
NO_MOOD = Degradation("mood", "MOOD_UNAVAILABLE")


@dataclass
class TimedIndex(FakeIndex):
    """Remembers how long it was given, and in which bundle it was asked for categories."""

    seconds: list[float] = field(default_factory=list)
    listed: list[tuple[str, float]] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        self.seconds.append(seconds)
        return await FakeIndex.search_posts(self, search, seconds=seconds)

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        self.listed.append((bundle_id, seconds))
        return await FakeIndex.list_categories(self, bundle_id=bundle_id, seconds=seconds)


class CountingDown:
    """A clock that says one number after the other."""

    def __init__(self, *seconds: float) -> None:
        self.seconds: Iterator[float] = iter(seconds)

    def seconds_left(self) -> float:
        return next(self.seconds)


def ask_in(clock: CountingDown, index: FakeIndex, tower: FakeTower, **fields: object) -> Feed:
    request = FeedRequest(**({"username": "ana"} | fields))
    return asyncio.run(get_feed(request, encoder=tower, index=index, clock=clock))


# What a request may say.


@pytest.mark.parametrize(("page_size", "limit"), [(0, 10), (1, 1), (99, 99), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_a_page_has_ten_posts_unless_asked_otherwise_and_at_most_a_hundred(page_size: int, limit: int) -> None:
    index = FakeIndex()
    ask(index, page_size=page_size)
    assert index.searches[0].limit == limit


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidPageSizeError, match="-1"):
        ask(page_size=-1)


def test_a_negative_position_is_refused() -> None:
    with pytest.raises(InvalidPositionError, match="-1"):
        ask(at_least_position=-1)


def test_a_mood_has_at_most_512_code_points() -> None:
    assert ask(mood="😂" * 512).bundle_id == BUNDLE
    with pytest.raises(MoodTooLongError, match=r"513.* 512"):
        ask(mood="m" * 513)


def test_at_most_a_thousand_posts_are_excluded() -> None:
    assert ids_of(ask(exclude_post_ids=tuple(range(1000)))) == []
    with pytest.raises(TooManyExclusionsError, match=r"1001.* 1000"):
        ask(exclude_post_ids=tuple(range(1001)))
    with pytest.raises(TooManyExclusionsError, match="1001 posts are excluded, the maximum is 1000"):
        ask(exclude_post_ids=(1,), exclude_external_ids=("x",) * 1000)


@pytest.mark.parametrize("mood", ["", " ", "\t\n"])
def test_a_blank_mood_is_none_for_an_unknown_user(mood: str) -> None:
    with pytest.raises(UserNotFoundError, match=r"^User is not in database so give input of mood and category_id$"):
        ask(username="bob", category_id=CATEGORY, mood=mood)


def test_an_unknown_user_with_mood_and_category_gets_a_feed_by_mood() -> None:
    index = TimedIndex()
    feed = ask(index, username="bob", category_id=CATEGORY, mood="calm")
    assert (feed.ranking, feed.degradations) == (FeedRanking.MOOD, ())
    assert index.listed == []


def test_category_0_is_a_category_that_was_asked_for() -> None:
    with pytest.raises(CategoryNotFoundError, match=r"^invalid category id$"):
        ask(username="bob", category_id=0, mood="calm")


# Time.


def test_the_tower_gets_its_share_of_the_time_and_the_index_what_is_left() -> None:
    index, tower = TimedIndex(), FakeTower()
    ask_in(CountingDown(2.0, 1.5), index, tower)
    assert (tower.seconds, index.seconds) == ([pytest.approx(1.2)], [1.5])


def test_where_nothing_may_be_left_out_the_tower_gets_all_the_time() -> None:
    token = ask().next_page_token
    for fields in ({"strict": True}, {"page_token": token}):
        tower = FakeTower()
        ask_in(CountingDown(2.0, 1.5), TimedIndex(), tower, **fields)
        assert tower.seconds == [2.0]


def test_the_check_of_a_category_is_in_the_towers_bundle_and_in_the_time_left() -> None:
    index, tower = TimedIndex(held=(OTHER_BUNDLE, BUNDLE)), FakeTower()
    with pytest.raises(UserNotFoundError):
        ask_in(CountingDown(2.0, 1.25), index, tower, username="bob", category_id=CATEGORY)
    assert index.listed == [(BUNDLE, 1.25)]


def test_a_tower_that_fails_as_the_time_ends_leaves_none_for_a_degraded_feed() -> None:
    index = TimedIndex()
    with pytest.raises(DependencyUnavailableError):
        ask_in(CountingDown(1.0, 0.0), index, FakeTower(is_down=True))
    assert index.seconds == []
    feed = ask_in(CountingDown(1.0, 0.25, 0.2), index, FakeTower(is_down=True))
    assert (feed.degradations, index.seconds) == ((NO_TOWER,), [0.2])


# What may be left out.


class RaisingTower(FakeTower):
    """Fails as it is told."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        raise self.error


def test_an_overloaded_tower_is_no_tower_that_is_down() -> None:
    with pytest.raises(DependencyOverloadedError) as caught:
        ask(tower=RaisingTower(DependencyOverloadedError("busy")))
    assert caught.value.retry_after_seconds == 0.1


def test_a_tower_that_took_too_long_is_left_out() -> None:
    assert ask(tower=RaisingTower(DeadlineExceededError("late"))).degradations == (NO_TOWER,)


def test_a_feed_without_the_tower_is_of_the_required_bundle_and_of_nobody() -> None:
    index = FakeIndex(held=(BUNDLE, OTHER_BUNDLE))
    feed = ask(index, FakeTower(is_down=True), required_bundle_id=OTHER_BUNDLE)
    assert index.searches[0].context == FeedContext(bundle_id=OTHER_BUNDLE)
    assert feed.bundle_id == OTHER_BUNDLE


def test_the_next_page_of_a_feed_without_the_tower_does_not_ask_it() -> None:
    first = ask(tower=FakeTower(is_down=True))
    tower, index = FakeTower(), FakeIndex()
    second = ask(index, tower, page_token=first.next_page_token)
    assert tower.asked == []
    assert second.degradations == (NO_TOWER,)
    assert index.searches[0].context == FeedContext(bundle_id=BUNDLE)


def test_the_next_page_of_a_feed_without_the_mood_asks_the_tower_for_the_user_alone() -> None:
    first = ask(tower=FakeTower(has_mood_encoder=False), mood="calm")
    tower = FakeTower()
    second = ask(tower=tower, mood="calm", page_token=first.next_page_token)
    assert tower.asked == [("ana", "")]
    assert second.degradations == (NO_MOOD,)
    third = ask(tower=FakeTower(), mood="calm", page_token=second.next_page_token)
    assert (third.degradations, ids_of(third)) == ((NO_MOOD,), [20, 21, 22, 23, 24])


def test_a_feed_of_which_nothing_is_left_out_says_so() -> None:
    for fields in ({}, {"mood": "calm"}, {"strict": True, "mood": "calm"}):
        feed = ask(**fields)
        assert (feed.degradations, feed.ranking) == ((), FeedRanking.USER)


def test_strict_says_why_there_is_no_feed() -> None:
    with pytest.raises(DependencyUnavailableError, match="mood encoder") as caught:
        ask(tower=FakeTower(has_mood_encoder=False), mood="calm", strict=True)
    assert caught.value.metadata == {"reason": "MOOD_UNAVAILABLE"}
    token = ask(tower=FakeTower(is_down=True)).next_page_token
    with pytest.raises(DependencyUnavailableError, match="first page"):
        ask(page_token=token, strict=True)


def test_strict_goes_on_with_a_whole_feed() -> None:
    token = ask().next_page_token
    assert ids_of(ask(page_token=token, strict=True)) == list(range(10, 20))


# Pages and bundles.


@dataclass
class ReadingTower(FakeTower):
    """Has read the log up to position 8, and remembers which part of it each request wants."""

    wishes: list[LogWish] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.wishes.append(log)
        context = await FakeTower.encode_context(self, username, mood, bundle_id=bundle_id, seconds=seconds, log=log)
        return replace(context, position=8)


def test_later_pages_see_the_user_as_of_the_first_one() -> None:
    tower = ReadingTower()
    first = ask(tower=tower, at_least_position=5)
    ask(tower=tower, at_least_position=5, page_token=first.next_page_token)
    assert tower.wishes == [LogWish(at_least=5), LogWish(as_of=8, at_least=8)]


def test_a_token_is_valid_for_fifteen_minutes_unless_set_up_otherwise() -> None:
    assert TokenLife().milliseconds == 900_000


def test_each_page_begins_where_the_one_before_ended_and_the_last_has_no_token() -> None:
    index = FakeIndex()
    first = ask(index, page_size=10)
    second = ask(index, page_size=12, page_token=first.next_page_token)
    third = ask(index, page_size=3, page_token=second.next_page_token)
    assert [(search.offset, search.limit) for search in index.searches] == [(0, 10), (10, 12), (22, 3)]
    assert third.next_page_token == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "ann"},
        {"category_id": CATEGORY},
        {"mood": "calm"},
        {"exclude_post_ids": (1,)},
        {"exclude_external_ids": ("x",)},
    ],
)
def test_a_token_of_another_request_is_refused(fields: dict[str, object]) -> None:
    token = ask().next_page_token
    with pytest.raises(InvalidPageTokenError, match="belongs to another request"):
        ask(page_token=token, **fields)


def test_what_is_no_token_is_refused_as_such() -> None:
    with pytest.raises(InvalidPageTokenError, match="not issued by this service"):
        ask(page_token="nonsense")


def test_a_token_goes_on_where_the_required_bundle_is_its_own() -> None:
    token = ask().next_page_token
    assert ids_of(ask(page_token=token, required_bundle_id=BUNDLE)) == list(range(10, 20))


def test_a_page_of_a_bundle_that_the_index_alone_has_let_go_is_refused() -> None:
    token = ask().next_page_token
    index, tower = FakeIndex(held=(OTHER_BUNDLE,)), FakeTower(held=(OTHER_BUNDLE, BUNDLE))
    with pytest.raises(InvalidPageTokenError, match="no longer held"):
        ask(index, tower, page_token=token)
    assert len(tower.asked) == 1


def test_the_tower_is_asked_again_in_the_bundle_of_the_index_once() -> None:
    tower, index = FakeTower(held=(BUNDLE, OTHER_BUNDLE)), FakeIndex(held=(OTHER_BUNDLE,))
    feed = ask(index, tower)
    assert (len(tower.asked), feed.bundle_id) == (2, OTHER_BUNDLE)
    assert ids_of(ask(index, tower, page_token=feed.next_page_token)) == list(range(10, 20))


def test_a_required_bundle_that_the_index_lacks_is_not_replaced() -> None:
    tower, index = FakeTower(held=(BUNDLE, OTHER_BUNDLE)), FakeIndex(held=(BUNDLE,))
    with pytest.raises(BundleNotHeldError):
        ask(index, tower, required_bundle_id=OTHER_BUNDLE)
    assert len(tower.asked) == 1


def test_where_the_tower_fails_at_the_second_call_the_feed_is_a_degraded_one() -> None:
    class FailsAtTheSecondCall(FakeTower):
        async def encode_context(
            self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
        ) -> FeedContext:
            if self.asked:
                raise DependencyUnavailableError("user_tower_service is unavailable")
            return await FakeTower.encode_context(self, username, mood, bundle_id=bundle_id, seconds=seconds)

    feed = ask(FakeIndex(held=(OTHER_BUNDLE,)), FailsAtTheSecondCall(held=(BUNDLE, OTHER_BUNDLE)))
    assert (feed.bundle_id, feed.degradations, feed.ranking) == (OTHER_BUNDLE, (NO_TOWER,), FeedRanking.POPULAR)
