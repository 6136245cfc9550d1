"""What a feed does with filters, diversity and the like: checks, own posts, page tokens, what the index is asked."""

from dataclasses import replace

import pytest

from gateway.feed_messages import open_post, read_request
from gateway.feed_types import (
    FeedError,
    Filters,
    InvalidCreatedAfterError,
    InvalidDiversityError,
    InvalidMostPerOwnerError,
    InvalidPageTokenError,
    Search,
    Seen,
    TooManyFiltersError,
)
from moodfeed.feed.v1 import feed_pb2
from tests.gateway.test_feed import CATEGORY, FakeIndex, ask

SOME = Filters(category_ids=(2,), excluded_owner_usernames=("béla",), created_after_ms=5, languages=("en",))


def asked(**fields: object) -> list[Search]:
    index = FakeIndex()
    ask(index, **fields)
    return index.searches


def test_the_index_is_asked_with_all_of_them() -> None:
    (search,) = asked(filters=SOME, diversity=0.5, most_per_owner=2, explain=True)
    assert search.filters == replace(SOME, excluded_owner_usernames=("béla", "ana"))
    assert (search.diversity, search.most_per_owner, search.explain) == (0.5, 2, True)


@pytest.mark.parametrize("username", ["ana", "a stranger"])
def test_own_posts_are_left_out_unless_they_are_wanted(username: str) -> None:
    fields = {"username": username, "mood": "calm", "category_id": CATEGORY}
    assert asked(**fields)[0].filters.excluded_owner_usernames == (username,)
    assert asked(**fields, filters=Filters(include_own_posts=True))[0].filters.excluded_owner_usernames == ()
    own = Filters(excluded_owner_usernames=(username,))
    assert asked(**fields, filters=own)[0].filters == own


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"filters": Filters(category_ids=tuple(range(101)))}, TooManyFiltersError),
        ({"filters": Filters(excluded_category_ids=tuple(range(101)))}, TooManyFiltersError),
        ({"filters": Filters(excluded_owner_usernames=("béla",) * 101)}, TooManyFiltersError),
        ({"filters": Filters(languages=("en",) * 21)}, TooManyFiltersError),
        ({"diversity": 1.01}, InvalidDiversityError),
        ({"diversity": -0.01}, InvalidDiversityError),
        ({"diversity": float("nan")}, InvalidDiversityError),
        ({"most_per_owner": -1}, InvalidMostPerOwnerError),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(fields: dict[str, object], error: type[FeedError]) -> None:
    with pytest.raises(error, match=r"is|has"):
        ask(**fields)


def test_as_many_values_as_there_may_be_are_taken() -> None:
    most = Filters(
        category_ids=(CATEGORY,) * 100,
        excluded_category_ids=tuple(range(100)),
        excluded_owner_usernames=("béla",) * 100,
        languages=("en",) * 20,
    )
    assert asked(filters=most, diversity=1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"filters": replace(SOME, languages=("de",))},
        {"filters": replace(SOME, include_own_posts=True)},
        {"filters": Filters()},
        {"diversity": 0.25},
        {"most_per_owner": 3},
        {"most_per_owner": 0},
        {"page_size": 5},
    ],
)
def test_a_page_token_belongs_to_its_filters(change: dict[str, object]) -> None:
    fields = {"filters": SOME, "diversity": 0.5, "most_per_owner": 2}
    token = ask(**fields).next_page_token
    assert ask(**fields, page_token=token, explain=True).posts
    with pytest.raises(InvalidPageTokenError):
        ask(**(fields | change), page_token=token)


def test_the_page_size_may_change_where_no_account_is_limited() -> None:
    token = ask(filters=SOME, diversity=0.5).next_page_token
    assert len(ask(filters=SOME, diversity=0.5, page_token=token, page_size=5).posts) == 5


def test_the_filters_of_a_message_are_read() -> None:
    message = feed_pb2.GetFeedRequest(
        category_ids=[2], excluded_category_ids=[3], excluded_owner_usernames=["béla"], languages=["en"]
    )
    message.created_after.FromJsonString("2026-05-04T07:30:00.0059Z")
    request = read_request(message)
    assert request.filters == Filters((2,), (3,), ("béla",), 1_777_879_800_005, ("en",))
    assert read_request(feed_pb2.GetFeedRequest()).filters == Filters()


@pytest.mark.parametrize(("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (0, -1), (0, 2_000_000_000)])
def test_a_moment_that_is_none_is_refused(seconds: int, nanos: int) -> None:
    message = feed_pb2.GetFeedRequest()
    message.created_after.seconds, message.created_after.nanos = seconds, nanos
    with pytest.raises(InvalidCreatedAfterError):
        read_request(message)


def test_with_explain_the_index_is_told_the_history_also_if_it_is_left_out() -> None:
    (search,) = asked(seen=Seen.EXCLUDED, explain=True)
    assert (search.context.seen_post_ids, search.context.not_interested_post_ids) == ((3,), [3])
    (search,) = asked(seen=Seen.EXCLUDED)
    assert search.context.seen_post_ids == ()


def test_an_explanation_is_shown_in_json_only_if_there_is_one() -> None:
    post = feed_pb2.FeedPost(post_id=2**60, reason=feed_pb2.REASON_MOOD)
    assert open_post(post.SerializeToString())["reason"] == "REASON_MOOD"
    assert "explanation" not in open_post(post.SerializeToString())
    post.explanation.user_score = 0.5
    post.explanation.history.add(post_id=2**60, closeness=0.25)
    assert open_post(post.SerializeToString(), ids=str)["explanation"] == {
        "user_score": 0.5,
        "popularity": 0,
        "history": [{"post_id": str(2**60), "closeness": 0.25}],
        "rules": [],
        "is_seen": False,
    }
