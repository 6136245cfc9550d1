"""Every row of the case table, over gRPC and over HTTP, from three real processes and from one."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
import httpx
import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.processes import NO_TLS
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.errors import read_error_info
from tests.end_to_end.conftest import Running

UNKNOWN = "nobody at all"
USER_MESSAGE = "User is not in database so give input of mood and category_id"
CATEGORY_MESSAGE = "invalid category id"


class RefusedError(Exception):
    def __init__(self, status: str, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.status, self.reason, self.message = status, reason, message


@dataclass(frozen=True)
class Answer:
    post_ids: list[int]
    scores: list[float]
    ranking_scores: list[float]
    ranking: str
    token: str
    bundle_id: str


Ask = Callable[..., Answer]


@pytest.fixture(params=["grpc", "http"])
def ask(request: pytest.FixtureRequest, running: Running, feeds: feed_pb2_grpc.FeedServiceStub) -> Ask:
    def over_grpc(**fields: object) -> Answer:
        if "fallback" in fields:
            fields["fallback"] = f"FALLBACK_{fields['fallback']}"
        if "created_after_ms" in fields:
            fields["created_after"] = Timestamp()
            fields["created_after"].FromMilliseconds(fields.pop("created_after_ms"))
        try:
            answer = feeds.GetFeed(feed_pb2.GetFeedRequest(**fields), timeout=10)
        except grpc.RpcError as error:
            raise RefusedError(error.code().name, read_error_info(error).reason, error.details()) from error
        return Answer(
            [post.post_id for post in answer.posts],
            [post.score for post in answer.posts],
            [post.ranking_score for post in answer.posts],
            feed_pb2.Ranking.Name(answer.ranking),
            answer.next_page_token,
            answer.bundle_id,
        )

    def over_http(**fields: object) -> Answer:
        excluded = fields.pop("exclude_post_ids", [])
        if "created_after_ms" in fields:
            fields["created_after"] = fields.pop("created_after_ms")
        fields |= {name: ",".join(map(str, value)) for name, value in fields.items() if isinstance(value, list)}
        parameters = {**fields, "exclude": ",".join(map(str, excluded))}
        reply = httpx.get(f"{running.http}/feed", params=parameters, timeout=10, verify=NO_TLS)
        document = reply.json()
        if reply.status_code != 200:
            assert document["error"]["code"] == reply.status_code
            raise RefusedError(document["error"]["status"], document["error"]["reason"], document["error"]["message"])
        return Answer(
            [post["post_id"] for post in document["posts"]],
            [post["score"] for post in document["posts"]],
            [post["ranking_score"] for post in document["posts"]],
            document["ranking"],
            document["next_page_token"],
            document["bundle_id"],
        )

    return over_grpc if request.param == "grpc" else over_http


def category_of(running: Running, post_id: int) -> int:
    return int(running.posts.category_ids[running.posts.post_ids == post_id][0])


def test_a_known_user_gets_ten_posts_of_all_categories_by_the_blend(ask: Ask, running: Running) -> None:
    answer = ask(username=running.busiest_username())
    assert len(answer.post_ids) == 10
    assert answer.ranking == "RANKING_USER"
    assert answer.bundle_id == running.bundle.bundle_id
    assert running.bundle.manifest.blend.popularity > 0
    assert answer.ranking_scores == sorted(answer.ranking_scores, reverse=True)
    assert answer.scores != sorted(answer.scores, reverse=True)
    assert len({category_of(running, post_id) for post_id in answer.post_ids}) > 1


def test_a_known_user_and_a_category_give_posts_of_that_category_by_the_blend(ask: Ask, running: Running) -> None:
    category_id = running.largest_category()
    answer = ask(username=running.busiest_username(), category_id=category_id)
    assert {category_of(running, post_id) for post_id in answer.post_ids} == {category_id}
    assert answer.ranking == "RANKING_USER"


def test_a_known_user_a_category_and_a_mood_are_ranked_by_both(ask: Ask, running: Running) -> None:
    asked = {"username": running.busiest_username(), "category_id": running.largest_category()}
    answer = ask(**asked, mood="calm and peaceful")
    assert {category_of(running, post_id) for post_id in answer.post_ids} == {asked["category_id"]}
    assert answer.ranking == "RANKING_MOOD_THEN_USER"


def test_a_known_user_and_a_mood_are_ranked_over_all_categories(ask: Ask, running: Running) -> None:
    answer = ask(username=running.busiest_username(), mood="full of energy")
    assert len(answer.post_ids) == 10
    assert answer.ranking == "RANKING_MOOD_THEN_USER"


def test_an_unknown_user_with_category_and_mood_gets_the_nearest_posts_first(ask: Ask, running: Running) -> None:
    category_id = running.largest_category()
    answer = ask(username=UNKNOWN, category_id=category_id, mood="scary")
    assert {category_of(running, post_id) for post_id in answer.post_ids} == {category_id}
    assert answer.ranking == "RANKING_MOOD"
    assert answer.scores == sorted(answer.scores, reverse=True)


@pytest.mark.parametrize("missing", [("category_id", "mood"), ("category_id",), ("mood",)])
def test_an_unknown_user_without_both_is_told_what_to_give(
    ask: Ask, running: Running, missing: tuple[str, ...]
) -> None:
    asked = {"username": UNKNOWN, "category_id": running.largest_category(), "mood": "calm"}
    with pytest.raises(RefusedError) as caught:
        ask(**{name: value for name, value in asked.items() if name not in missing})
    assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "USER_NOT_FOUND")
    assert caught.value.message == USER_MESSAGE


@pytest.mark.parametrize("fallback", ["POPULAR", "TRENDING"])
@pytest.mark.parametrize("missing", [("category_id", "mood"), ("category_id",), ("mood",)])
def test_an_unknown_user_without_both_gets_what_the_fallback_says(
    ask: Ask, running: Running, missing: tuple[str, ...], fallback: str
) -> None:
    asked = {"username": UNKNOWN, "category_id": running.largest_category(), "mood": "calm"}
    answer = ask(**{name: value for name, value in asked.items() if name not in missing}, fallback=fallback)
    assert answer.ranking == f"RANKING_{fallback}"
    assert len(answer.post_ids) == 10
    categories = {category_of(running, post_id) for post_id in answer.post_ids}
    assert ("category_id" in missing) or categories == {running.largest_category()}
    assert answer.scores == sorted(answer.scores, reverse=True)
    assert answer.post_ids != ask(**asked).post_ids


@pytest.mark.parametrize("username", ["known", UNKNOWN])
@pytest.mark.parametrize("mood", ["", "calm"])
@pytest.mark.parametrize("category_id", [-1, 0, 9999, 2**31 - 1])
def test_what_is_no_category_is_refused_whoever_asks(
    ask: Ask, running: Running, username: str, mood: str, category_id: int
) -> None:
    name = running.busiest_username() if username == "known" else username
    with pytest.raises(RefusedError) as caught:
        ask(username=name, category_id=category_id, mood=mood)
    assert (caught.value.status, caught.value.reason) == ("NOT_FOUND", "CATEGORY_NOT_FOUND")
    assert caught.value.message == CATEGORY_MESSAGE


@pytest.mark.parametrize("username", ["", " ", "\t\n"])
def test_a_blank_username_is_malformed(ask: Ask, username: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(username=username)
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "USERNAME_BLANK")


def test_a_malformed_request_is_told_before_an_unknown_category(ask: Ask) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(username=" ", category_id=9999)
    assert caught.value.reason == "USERNAME_BLANK"


def test_a_user_without_a_history_is_known(ask: Ask, running: Running) -> None:
    answer = ask(username=running.username_without_history())
    assert len(answer.post_ids) == 10


def test_a_blank_mood_counts_as_missing(ask: Ask, running: Running) -> None:
    name = running.busiest_username()
    assert ask(username=name, mood="  ").post_ids == ask(username=name).post_ids


def test_crying_and_laughing_lead_to_different_feeds(ask: Ask, running: Running) -> None:
    asked = {"username": UNKNOWN, "category_id": running.largest_category()}
    assert ask(**asked, mood="😢").post_ids != ask(**asked, mood="😂").post_ids


def test_moods_of_a_known_user_give_different_feeds_and_the_same_one_the_same(ask: Ask, running: Running) -> None:
    met = np.diff(running.users.offsets)
    newcomer = running.users.usernames[
        int(np.flatnonzero(met > 0)[met[met > 0].argmin()])
    ]  # has nearly all before them
    asked = {"username": newcomer, "category_id": running.largest_category()}
    calm, scary = ask(**asked, mood="calm"), ask(**asked, mood="scary")
    assert len(set(calm.post_ids) & set(scary.post_ids)) <= 5
    assert ask(**asked, mood="calm").post_ids == calm.post_ids


@pytest.mark.parametrize("mood", ["triste", "悲しい", "грустно", "حزين"])
def test_a_mood_of_another_language_has_a_feed(ask: Ask, running: Running, mood: str) -> None:
    answer = ask(username=UNKNOWN, category_id=running.largest_category(), mood=mood)
    assert len(answer.post_ids) == 10
    assert answer.ranking == "RANKING_MOOD"


@pytest.mark.parametrize("mood", ["لا أعرف", "12345", "asdfgh"])
def test_what_says_nothing_about_a_mood_gives_a_stranger_what_is_popular(ask: Ask, running: Running, mood: str) -> None:
    answer = ask(username=UNKNOWN, category_id=running.largest_category(), mood=mood)
    assert len(answer.post_ids) == 10
    assert answer.ranking == "RANKING_POPULAR"


@pytest.mark.parametrize("mood", ["", "calm", "😎 🥱"])
def test_the_pages_of_a_category_are_each_of_its_posts_once_and_seen_posts_come_last(
    ask: Ask, running: Running, mood: str
) -> None:
    category_id = running.largest_category()
    name = running.busiest_username()
    found: list[int] = []
    token = ""
    while True:
        page = ask(
            username=name,
            category_id=category_id,
            mood=mood,
            page_size=7,
            page_token=token,
            include_own_posts=True,
        )
        found += page.post_ids
        token = page.token
        if not token:
            break
        assert len(page.post_ids) == 7
    assert sorted(found) == running.posts.post_ids[running.posts.category_ids == category_id].tolist()
    user = running.users.usernames.index(name)
    seen = set(running.users.post_ids[running.users.offsets[user] : running.users.offsets[user + 1]].tolist())
    is_seen = [post_id in seen for post_id in found]
    assert is_seen == sorted(is_seen)
    assert any(is_seen)


def pages_of(ask: Ask, **fields: object) -> list[int]:
    found, token = [], ""
    while True:
        page = ask(**fields, page_size=100, page_token=token)
        found += page.post_ids
        token = page.token
        if not token:
            return found


def test_a_users_own_posts_are_left_out_unless_they_are_wanted(ask: Ask, running: Running) -> None:
    owners = {post.post_id: post.owner_username for post in running.posts.posts}
    author = max(running.users.usernames, key=list(owners.values()).count)
    assert author in owners.values()
    assert sorted(pages_of(ask, username=author)) == sorted(
        post_id for post_id, owner in owners.items() if owner != author
    )
    assert sorted(pages_of(ask, username=author, include_own_posts=True)) == sorted(owners)


def test_filters_leave_the_same_ranking_of_fewer_posts(ask: Ask, running: Running) -> None:
    newest = np.sort(running.posts.created_ms)[len(running.posts.posts) // 2]
    owner = running.posts.posts[0].owner_username
    asked = {"username": running.busiest_username(), "include_own_posts": True}
    wanted = {
        post.post_id
        for post, moment in zip(running.posts.posts, running.posts.created_ms.tolist(), strict=True)
        if moment > newest and post.owner_username != owner
    }
    plain = [post_id for post_id in pages_of(ask, **asked) if post_id in wanted]
    found = pages_of(ask, **asked, created_after_ms=int(newest), excluded_owner_usernames=[owner])
    assert found == plain
    category_id = running.largest_category()
    assert pages_of(ask, **asked, category_ids=[category_id]) == pages_of(ask, **asked, category_id=category_id)


def test_excluded_posts_stay_away_and_the_page_stays_full(ask: Ask, running: Running) -> None:
    first = ask(username=running.busiest_username())
    second = ask(username=running.busiest_username(), exclude_post_ids=first.post_ids)
    assert not set(first.post_ids) & set(second.post_ids)
    assert len(second.post_ids) == 10


@pytest.mark.parametrize(("page_size", "expected"), [(0, 10), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_page_sizes_mean_what_the_contract_says(ask: Ask, running: Running, page_size: int, expected: int) -> None:
    assert len(running.posts.posts) > 100
    answer = ask(username=running.busiest_username(), page_size=page_size, include_own_posts=True)
    assert len(answer.post_ids) == expected


def test_a_negative_page_size_is_malformed(ask: Ask, running: Running) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(username=running.busiest_username(), page_size=-1)
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "PAGE_SIZE_NEGATIVE")


def test_a_mood_may_have_512_code_points_and_no_more(ask: Ask, running: Running) -> None:
    assert len(ask(username=running.busiest_username(), mood="😢" * 512).post_ids) == 10
    with pytest.raises(RefusedError) as caught:
        ask(username=running.busiest_username(), mood="a" * 513)
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "MOOD_TOO_LONG")


def test_too_many_exclusions_are_malformed(ask: Ask, running: Running) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(username=running.busiest_username(), exclude_post_ids=list(range(1001)))
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "TOO_MANY_EXCLUSIONS")


@pytest.mark.parametrize("change", [{"mood": "calm"}, {"username": "other"}, {"exclude_post_ids": [1]}])
def test_a_page_token_of_another_request_is_malformed(ask: Ask, running: Running, change: dict[str, object]) -> None:
    asked: dict[str, object] = {"username": running.busiest_username()}
    token = ask(**asked).token
    if "username" in change:
        change = {"username": running.username_without_history()}
    with pytest.raises(RefusedError) as caught:
        ask(**(asked | change), page_token=token)
    assert (caught.value.status, caught.value.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("token", ["x", "AAAA", "not base64 at all!", "é"])
def test_what_is_no_page_token_is_malformed(ask: Ask, running: Running, token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(username=running.busiest_username(), page_token=token)
    assert caught.value.reason == "PAGE_TOKEN_INVALID"


def test_a_required_bundle_that_is_not_held_is_refused(ask: Ask, running: Running) -> None:
    name = running.busiest_username()
    assert ask(username=name, required_bundle_id=running.bundle.bundle_id).post_ids == ask(username=name).post_ids
    with pytest.raises(RefusedError) as caught:
        ask(username=name, required_bundle_id="0" * 64)
    assert (caught.value.status, caught.value.reason) == ("FAILED_PRECONDITION", "BUNDLE_NOT_HELD")


def test_two_people_with_different_histories_get_different_feeds(ask: Ask, running: Running) -> None:
    busiest = np.argsort(-np.diff(running.users.offsets))[:5]
    feeds = {tuple(ask(username=running.users.usernames[user], page_size=30).post_ids) for user in busiest}
    assert len(feeds) == 5
