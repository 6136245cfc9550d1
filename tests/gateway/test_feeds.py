"""Several feeds at once: side by side, or one after another where no post may be in two of them."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edge import outcome_of
from gateway.feed import get_feed
from gateway.feed_messages import read_requests, write_feeds
from gateway.feed_types import (
    BlankUsernameError,
    Feed,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidFallbackError,
    Search,
)
from gateway.feeds import Failure, FeedCountError, LaterPageError, get_feeds
from moodfeed.feed.v1 import feed_pb2
from tests.gateway.test_feed import BUNDLE, CATEGORY, FakeClock, FakeIndex, FakeTower, ids_of


@dataclass
class LeavingOutIndex(FakeIndex):
    """Leaves out what does not interest, too, as the true index does."""

    under_way: int = 0
    most_under_way: int = 0
    searched: list[Search] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        self.searched.append(search)
        left_out = {*search.exclude_post_ids, *search.context.not_interested_post_ids}
        ids = [number for number in range(25) if number not in left_out]
        chosen = ids[search.offset : search.offset + search.limit]
        return FoundPosts(
            tuple(b"%d" % number for number in chosen),
            search.offset + search.limit < len(ids),
            FeedRanking.USER,
            BUNDLE,
            BUNDLE,
        )


def ask_for(
    *requests: FeedRequest | Exception, distinct: bool = False, index: FakeIndex | None = None
) -> list[Feed | Exception]:
    index = index or LeavingOutIndex()

    async def ask(request: FeedRequest) -> Feed:
        return await get_feed(request, encoder=FakeTower(), index=index, clock=FakeClock())

    async def run() -> list[Feed | Exception]:
        return list(
            await get_feeds(
                requests,
                distinct=distinct,
                ask=ask,
                together=lambda waiting: asyncio.gather(*waiting),
                post_ids_of=ids_of,
            )
        )

    return asyncio.run(run())


def ana(**fields: object) -> FeedRequest:
    return FeedRequest(**({"username": "ana", "page_size": 3} | fields))


def shown(answers: list[Feed | Exception]) -> list[list[int]]:
    return [ids_of(answer) for answer in answers if isinstance(answer, Feed)]


def test_feeds_are_made_side_by_side_and_come_in_their_order() -> None:
    index = LeavingOutIndex()
    answers = ask_for(ana(), ana(page_size=1), ana(exclude_post_ids=(0,)), index=index)
    assert shown(answers) == [[0, 1, 2], [0], [1, 2, 3]]
    assert index.most_under_way == 3


def test_a_feed_that_cannot_be_made_refuses_none_of_the_others() -> None:
    answers = ask_for(ana(), ana(username=" "), InvalidFallbackError("fallback is 9"), ana())
    assert [type(answer) for answer in answers] == [Feed, BlankUsernameError, InvalidFallbackError, Feed]
    answers = ask_for(ana(), ana(username=" "), ana(page_token="x"), ana(), distinct=True)
    assert [type(answer) for answer in answers] == [Feed, BlankUsernameError, LaterPageError, Feed]
    assert shown(answers) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("count", [0, 65])
def test_a_call_asks_for_1_to_64_feeds(count: int) -> None:
    with pytest.raises(FeedCountError, match=f"{count} feeds are requested, 1 to 64 are allowed"):
        ask_for(*[ana()] * count)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            ana,
            page_size=st.integers(0, 12),
            exclude_post_ids=st.lists(st.integers(0, 24), max_size=4).map(tuple),
            category_id=st.sampled_from([None, CATEGORY]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_each_distinct_feed_is_the_one_that_excludes_those_before(requests: list[FeedRequest]) -> None:
    answers = ask_for(*requests, distinct=True)
    before: list[int] = []
    for request, answer in zip(requests, answers, strict=True):
        assert isinstance(answer, Feed)
        excluding = FeedRequest(
            request.username,
            category_id=request.category_id,
            page_size=request.page_size,
            exclude_post_ids=(*request.exclude_post_ids, *before),
        )
        (alone,) = ask_for(excluding)
        assert isinstance(alone, Feed)
        assert ids_of(answer) == ids_of(alone)
        assert bool(answer.next_page_token) == bool(alone.next_page_token)
        if answer.next_page_token:  # the page after it is the one of that request
            token = answer.next_page_token
            (page,) = ask_for(
                FeedRequest(
                    excluding.username,
                    category_id=excluding.category_id,
                    page_size=excluding.page_size,
                    exclude_post_ids=excluding.exclude_post_ids,
                    page_token=token,
                )
            )
            assert isinstance(page, Feed)
            assert not {*ids_of(page)} & {*ids_of(answer), *before}
        before += ids_of(answer)
    assert len(set(before)) == len(before)


def test_a_feed_that_no_request_could_go_on_with_has_no_token() -> None:
    many = tuple(range(100, 1098))
    first, second = ask_for(ana(), ana(exclude_post_ids=many), distinct=True)
    assert isinstance(first, Feed)
    assert isinstance(second, Feed)
    assert first.next_page_token
    assert ids_of(second) == [3, 4, 5]
    assert second.next_page_token == ""


def test_the_answer_has_the_bytes_of_the_contract() -> None:
    request = feed_pb2.GetFeedsRequest(
        feeds=[feed_pb2.GetFeedRequest(username="ana", page_size=3), feed_pb2.GetFeedRequest(username="b", fallback=99)]
    )
    feed, error = read_requests(request)
    assert feed == ana()
    assert isinstance(error, InvalidFallbackError)
    packed = feed_pb2.FeedPost(post_id=5, title="five").SerializeToString()
    made = Feed((packed,), "t", BUNDLE, FeedRanking.USER, feed_id="f", position=3)
    answer = feed_pb2.GetFeedsResponse.FromString(write_feeds(map(outcome_of, [made, error, ZeroDivisionError()])))
    assert answer.results[0].feed == feed_pb2.GetFeedResponse(
        posts=[feed_pb2.FeedPost(post_id=5, title="five")],
        next_page_token="t",
        bundle_id=BUNDLE,
        ranking="RANKING_USER",
        feed_id="f",
        position=3,
    )
    assert outcome_of(error) == Failure(3, "FALLBACK_INVALID", str(error))
    assert answer.results[1].error == feed_pb2.FeedError(code=3, reason="FALLBACK_INVALID", message=str(error))
    assert answer.results[2].error == feed_pb2.FeedError(code=13, reason="INTERNAL", message="internal error")
