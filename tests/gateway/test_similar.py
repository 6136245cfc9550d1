"""Similar posts are made as a feed is, and nobody needs to be known, over the fakes of the two services."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from gateway.feed import get_feed
from gateway.feed_types import (
    DependencyUnavailableError,
    Feed,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidPageTokenError,
    InvalidPostError,
    PostNotFoundError,
    Search,
    Seen,
    SimilarTo,
)
from tests.gateway.test_feed import BUNDLE, OTHER_BUNDLE, FakeClock, FakeIndex, FakeTower, ids_of


@dataclass
class SimilarIndex(FakeIndex):
    """Knows the posts 0 to 24; the post itself is not among its posts."""

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        assert search.similar_to is not None
        if search.similar_to.post_id > 24:
            raise PostNotFoundError
        asked = replace(search, exclude_post_ids=(*search.exclude_post_ids, search.similar_to.post_id))
        found = await super().search_posts(asked, seconds=seconds)
        self.searches[-1] = search
        return replace(found, ranking=FeedRanking.SIMILAR)


def ask(index: FakeIndex | None = None, tower: FakeTower | None = None, **fields: object) -> Feed:
    request = FeedRequest(**({"username": "", "similar_to": SimilarTo(7)} | fields))
    making = get_feed(request, encoder=tower or FakeTower(), index=index or SimilarIndex(), clock=FakeClock())
    return asyncio.run(making)


def test_a_visitor_without_a_name_costs_no_call_of_the_user_tower() -> None:
    index, tower = SimilarIndex(), FakeTower()
    page = ask(index, tower)
    assert page.ranking is FeedRanking.SIMILAR
    assert ids_of(page) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert tower.asked == []
    assert (index.searches[0].context.user, index.searches[0].similar_to) == (None, SimilarTo(7))


def test_a_known_user_counts_and_a_stranger_does_not() -> None:
    index = SimilarIndex()
    ask(index, username="ana")
    ask(index, username="a stranger")
    assert [search.context.user is not None for search in index.searches] == [True, False]
    assert list(index.searches[0].context.seen_post_ids) == [3]


def test_without_the_user_tower_closeness_alone_counts() -> None:
    page = ask(tower=FakeTower(is_down=True), username="ana")
    assert [item.stage for item in page.degradations] == ["user"]
    assert len(page.posts) == 10
    with pytest.raises(DependencyUnavailableError):
        ask(tower=FakeTower(is_down=True), username="ana", at_least_position=5)
    assert ask(tower=FakeTower(is_down=True)).degradations == ()


def test_the_two_services_may_be_a_bundle_apart() -> None:
    index = SimilarIndex(held=(OTHER_BUNDLE,))
    assert ask(index, FakeTower(held=(BUNDLE, OTHER_BUNDLE)), username="ana").bundle_id == OTHER_BUNDLE


def test_pages_follow_each_other_to_the_end() -> None:
    index = SimilarIndex()
    found, token = [], ""
    while True:
        page = ask(index, page_size=7, page_token=token)
        found += ids_of(page)
        token = page.next_page_token
        if not token:
            break
    assert found == [number for number in range(25) if number != 7]


@pytest.mark.parametrize(
    "changed",
    [
        {"similar_to": SimilarTo(8)},
        {"similar_to": SimilarTo(external_id="7")},
        {"similar_to": None, "username": "ana", "mood": "post 7"},
        {"username": "ana"},
        {"seen": Seen.EXCLUDED},
        {"exclude_post_ids": (1,)},
    ],
)
def test_a_token_is_for_one_post_and_one_user(changed: dict[str, object]) -> None:
    token = ask().next_page_token
    with pytest.raises(InvalidPageTokenError, match="belongs to another request"):
        ask(FakeIndex(), page_token=token, **changed)


def test_seen_posts_can_be_left_out() -> None:
    index = SimilarIndex()
    ask(index, username="ana", seen=Seen.EXCLUDED)
    context = index.searches[0].context
    assert (list(context.not_interested_post_ids), list(context.seen_post_ids)) == ([3], [])


@pytest.mark.parametrize(
    ("post", "words"),
    [
        (SimilarTo(), "post_id: must be from 1"),
        (SimilarTo(-1), "post_id: must be from 1"),
        (SimilarTo(-1, "x"), "post_id: must be from 1"),
        (SimilarTo(external_id=" "), "external_id: must not be empty"),
        (SimilarTo(external_id="x\0"), "external_id: must not hold"),
        (SimilarTo(external_id="x" * 201), "external_id: has 201 code points"),
    ],
)
def test_what_cannot_name_a_post_is_refused(post: SimilarTo, words: str) -> None:
    with pytest.raises(InvalidPostError, match=words):
        ask(similar_to=post)


def test_a_post_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(PostNotFoundError):
        ask(similar_to=SimilarTo(99))
