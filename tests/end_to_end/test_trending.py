"""Trends go on with what people do, and fallbacks answer strangers: three processes, two replicas of each, and one.

The bundle is tiny: posts 10 to 50 in the categories 0, 2 and 7; it begins with a trend of 1.5 for post 20, .25 for 10.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import httpx
import pytest

from benchmarks.processes import NO_TLS
from moodfeed.feed.v1 import feed_pb2
from rpc.errors import read_error_info
from tests.end_to_end.test_feedback import LAYOUTS, POSTS, STRANGER_MESSAGE, Product, running

TRENDING = feed_pb2.FALLBACK_TRENDING
POPULAR = feed_pb2.FALLBACK_POPULAR


@pytest.fixture(scope="module", params=LAYOUTS)
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(request.param, tmp_path_factory.mktemp("trends")) as product:
        yield product


def trending(product: Product, **fields: object) -> feed_pb2.ListTrendingResponse:
    return product.feeds.ListTrending(feed_pb2.ListTrendingRequest(**fields), timeout=10)


def get(product: Product, path: str, **parameters: object) -> httpx.Response:
    return httpx.get(
        f"http://{product.http_address}{path}", params=parameters, timeout=10, trust_env=False, verify=NO_TLS
    )


def ids(answer: feed_pb2.ListTrendingResponse | feed_pb2.GetFeedResponse) -> list[int]:
    return [post.post_id for post in answer.posts]


def met(username: str, post_id: int, **fields: object) -> Mapping[str, object]:
    return {"username": username, "post_id": post_id, "verb": "VERB_VIEW", **fields}


def test_the_trends_begin_with_those_of_the_bundle_and_popularity_fills_the_page(product: Product) -> None:
    answer = trending(product)
    assert set(ids(answer)) == POSTS
    if answer.position == 0:  # this test may not be the first
        assert ids(answer)[:2] == [20, 10]


def test_what_many_do_is_first_for_whoever_asks_for_its_position(product: Product) -> None:
    position = product.record(*(met(f"visitor {number}", 50) for number in range(5))).position
    answer = product.feed("who is this", fallback=TRENDING, at_least_position=position)
    assert ids(answer)[0] == 50
    assert answer.ranking == feed_pb2.RANKING_TRENDING
    assert answer.position >= position
    assert answer.posts[0].score > 4
    assert ids(product.feed("who is this", fallback=TRENDING, category_id=2, at_least_position=position)) == [20, 30]


def test_a_person_who_does_much_with_a_post_counts_once_and_can_take_it_back(product: Product) -> None:
    verbs = ("VERB_VIEW", "VERB_LIKE", "VERB_INSPIRE")
    rows = [met("one fan", 30, verb=verb, event_id=f"fan {verb}") for verb in verbs]

    def score_after(*done: Mapping[str, object]) -> float:
        position = product.record(*done).position
        answer = product.feed("nobody", fallback=TRENDING, category_id=2, at_least_position=position)
        return {post.post_id: post.score for post in answer.posts}[30]

    once = score_after(rows[0])
    assert once > 0
    assert score_after(*rows) == pytest.approx(once)
    assert score_after(*({"username": "one fan", "retracts": row["event_id"]} for row in rows)) == 0


def test_without_a_fallback_a_stranger_is_told_what_to_give(product: Product) -> None:
    for fields in ({}, {"fallback": feed_pb2.FALLBACK_NONE}):
        assert product.refusal("nobody", **fields) == ("NOT_FOUND", "USER_NOT_FOUND", STRANGER_MESSAGE)
    assert product.refusal("nobody", fallback=TRENDING, category_id=4)[1] == "CATEGORY_NOT_FOUND"
    assert product.refusal(" ", fallback=TRENDING)[1] == "USERNAME_BLANK"
    assert product.refusal("nobody", fallback=99)[1] == "FALLBACK_INVALID"


@pytest.mark.parametrize("mood", ["", "calm"])
def test_a_stranger_with_the_fallback_popular_gets_what_is_popular(product: Product, mood: str) -> None:
    answer = product.feed("nobody", fallback=POPULAR, mood=mood)
    assert (answer.ranking, set(ids(answer))) == (feed_pb2.RANKING_POPULAR, POSTS)
    in_category = product.feed("nobody", fallback=POPULAR, category_id=7)
    assert (in_category.ranking, set(ids(in_category))) == (feed_pb2.RANKING_POPULAR, {10, 50})


def test_a_fallback_changes_nothing_for_those_who_are_known_or_give_enough(product: Product) -> None:
    assert product.feed("ana", fallback=TRENDING).ranking == feed_pb2.RANKING_USER
    enough = product.feed("nobody", fallback=TRENDING, category_id=7, mood="calm")
    assert enough.ranking == feed_pb2.RANKING_MOOD


def test_http_says_the_same_as_grpc(product: Product) -> None:
    feed = get(product, "/feed", username="nobody", fallback="TRENDING", ids="string").json()
    assert feed["ranking"] == "RANKING_TRENDING"
    assert {post["post_id"] for post in feed["posts"]} == set(map(str, POSTS))
    page = get(product, "/trending", category_id=7, page_size=1).json()
    more = get(product, "/trending", category_id=7, page_size=1, page_token=page["next_page_token"]).json()
    assert {page["posts"][0]["post_id"], more["posts"][0]["post_id"]} == {10, 50}
    assert (page["position"], more["next_page_token"]) == (more["position"], "")
    for path, parameters, code, reason in (
        ("/feed", {"username": "nobody", "fallback": "hot"}, 400, "PARAMETER_INVALID"),
        ("/feed", {"username": "nobody", "fallback": "NONE"}, 404, "USER_NOT_FOUND"),
        ("/feed", {"username": "nobody", "fallback": ""}, 404, "USER_NOT_FOUND"),
        ("/trending", {"category_id": 4}, 404, "CATEGORY_NOT_FOUND"),
        ("/trending", {"page_size": -1}, 400, "PAGE_SIZE_NEGATIVE"),
        ("/trending", {"page_token": "x"}, 400, "PAGE_TOKEN_INVALID"),
        ("/trending", {"username": "ana"}, 400, "PARAMETER_INVALID"),
    ):
        answer = get(product, path, **parameters)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (code, reason)


def test_the_pages_of_trends_are_exact_while_people_go_on(product: Product) -> None:
    found: list[int] = []
    token = ""
    position = None
    for number in range(5):
        page = trending(product, page_size=1, page_token=token)
        assert position in {None, page.position}
        position, token = page.position, page.next_page_token
        found += ids(page)
        least = product.record(*(met(f"crowd {number} {each}", 10 * (number + 1)) for each in range(20))).position
        product.feed("nobody", fallback=TRENDING, at_least_position=least)  # which makes a new epoch
    assert not token
    assert sorted(found) == sorted(POSTS)


def test_a_token_of_the_trends_is_for_them_alone(product: Product) -> None:
    token = trending(product, page_size=1).next_page_token
    feed = product.feed("nobody", fallback=TRENDING, page_size=1).next_page_token
    for ask in (
        lambda: product.feed("nobody", fallback=TRENDING, page_token=token),
        lambda: product.feed("nobody", fallback=POPULAR, page_token=feed),
        lambda: trending(product, page_token=feed),
        lambda: trending(product, page_token=token, category_id=2),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            ask()
        assert read_error_info(caught.value).reason == "PAGE_TOKEN_INVALID"


def test_without_a_store_the_trends_are_those_of_the_bundle(tmp_path: Path) -> None:
    with running("three processes", tmp_path, store_url="") as product:
        answer = trending(product)
        assert (ids(answer)[:2], answer.position) == ([20, 10], 0)
        assert product.refusal("nobody", fallback=TRENDING, at_least_position=1)[1] == "POSITION_NOT_REACHED"
