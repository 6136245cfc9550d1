"""What the gateway tells the index about pages that explore: one seed for a feed, one page size, and feeds alone."""

import asyncio

import pytest
from pydantic import ValidationError

from gateway.feed import get_feed
from gateway.feed_types import Feed, FeedRequest, InvalidPageTokenError, Search, SimilarTo
from gateway.settings import Settings
from tests.gateway.test_feed import FakeIndex
from tests.gateway.test_feed_as_of import AMinute, LoggedTower


def ask(index: FakeIndex, *, share: float = 0.25, **fields: object) -> Feed:
    request = FeedRequest("ana", **fields)
    making = get_feed(request, encoder=LoggedTower(), index=index, clock=AMinute(), exploration_share=share)
    return asyncio.run(making)


def told(search: Search) -> tuple[float, int]:
    return search.exploration_share, search.exploration_seed


def test_all_pages_of_a_feed_have_its_seed_and_other_feeds_have_another() -> None:
    index = FakeIndex()
    page = ask(index, page_size=10)
    second = ask(index, page_size=10, page_token=page.next_page_token)
    ask(index, page_size=10, page_token=second.next_page_token)
    ask(index, page_size=10)
    first, *later, other = map(told, index.searches)
    assert first[0] == 0.25
    assert later == [first, first]
    assert other != first


def test_pages_keep_their_size_only_if_they_may_explore() -> None:
    page = ask(FakeIndex(), page_size=10)
    with pytest.raises(InvalidPageTokenError, match="not with most_per_owner or exploration"):
        ask(FakeIndex(), page_size=5, page_token=page.next_page_token)
    for fields in ({"diversity": 0.5}, {"share": 0.0}):
        page = ask(FakeIndex(), page_size=10, **fields)
        assert ask(FakeIndex(), page_size=5, page_token=page.next_page_token, **fields).posts


@pytest.mark.parametrize(
    "fields", [{"share": 0.0}, {"diversity": 0.5}, {"most_per_owner": 2}, {"similar_to": SimilarTo(7)}]
)
def test_nothing_is_explored_where_it_may_not_be(fields: dict[str, object]) -> None:
    index = FakeIndex()
    ask(index, **fields)
    assert [told(search) for search in index.searches] == [(0.0, 0)]


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan", "a tenth"])
def test_a_share_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, share: str) -> None:
    monkeypatch.setenv("MOODFEED_EXPLORATION_SHARE", share)
    with pytest.raises(ValidationError, match="MOODFEED_EXPLORATION_SHARE"):
        Settings()
