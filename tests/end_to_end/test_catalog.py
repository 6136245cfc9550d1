"""Posts that come, change and go, and rules: in all feeds, through one gateway at once, in every layout.

The bundle is tiny: posts 10 to 50 in the categories 0, 2 and 7, and the known users ana, béla and 😀.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc
from rpc.errors import read_error_info
from tests.end_to_end.test_feedback import LAYOUTS, POSTS, Product, running
from tests.tiny_bundle import write_servable_tiny_bundle

SECONDS = 30.0


@pytest.fixture(scope="module", params=(LAYOUTS[0], LAYOUTS[2]))
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE", "true")
        with running(request.param, tmp_path_factory.mktemp("catalog")) as product:
            yield product


@pytest.fixture(scope="module")
def channel(product: Product) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(product.grpc_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def catalog(channel: grpc.Channel) -> catalog_pb2_grpc.CatalogServiceStub:
    return catalog_pb2_grpc.CatalogServiceStub(channel)


@pytest.fixture(scope="module")
def rules(channel: grpc.Channel) -> rules_pb2_grpc.RuleServiceStub:
    return rules_pb2_grpc.RuleServiceStub(channel)


def a_post(post_id: int, **fields: object) -> catalog_pb2.Post:
    told: dict[str, object] = {
        "category_id": 2,
        "video_link": f"https://video.example/{post_id}",
        "title": "calm waves",
        "owner_username": "somebody",
    }
    return catalog_pb2.Post(post_id=post_id, **(told | fields))


def upsert(catalog: catalog_pb2_grpc.CatalogServiceStub, *posts: catalog_pb2.Post) -> int:
    answer = catalog.UpsertPosts(catalog_pb2.UpsertPostsRequest(posts=posts), timeout=10)
    assert [row.result for row in answer.results] == [catalog_pb2.UPSERT_RESULT_ACCEPTED] * len(posts), answer
    return int(answer.position)


def state(catalog: catalog_pb2_grpc.CatalogServiceStub, post_id: int) -> int:
    found = catalog.GetPosts(catalog_pb2.GetPostsRequest(post_ids=[post_id]), timeout=10).posts
    return int(found[0].state) if found else 0


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def similar(product: Product, post_id: int, **fields: object) -> list[int]:
    request = feed_pb2.GetSimilarPostsRequest(post_id=post_id, **fields)
    return [post.post_id for post in product.feeds.GetSimilarPosts(request, timeout=10).posts]


def feeds_of(product: Product, category_id: int) -> list[list[int]]:
    """Everything that may show a post of a category."""
    return [
        product.ids("béla", page_size=100),
        product.ids("béla", category_id=category_id, page_size=100),
        product.ids("béla", mood="calm", page_size=100),
        product.ids("a visitor", category_id=category_id, mood="calm", page_size=100),
        product.ids("a visitor", fallback="FALLBACK_POPULAR", page_size=100),
        similar(product, 20, page_size=100),
        similar(product, 20, username="béla", page_size=100),
    ]


def visible(product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub, post_id: int, category_id: int = 2) -> None:
    """Wait until it is served, and see it in every feed, whichever replica answers."""
    eventually(lambda: state(catalog, post_id) == catalog_pb2.POST_STATE_SERVED)
    for _ in range(4):
        eventually(lambda: all(post_id in ids for ids in feeds_of(product, category_id)))


def test_a_post_is_in_all_feeds_until_it_is_deleted_and_then_in_none(
    product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub
) -> None:
    upsert(catalog, a_post(1001, title="waves by the sea"))
    visible(product, catalog, 1001)
    assert 1001 not in similar(product, 1001)
    assert set(similar(product, 1001, page_size=100)) >= POSTS
    first = product.feed("béla", page_size=1)
    position = catalog.DeletePosts(catalog_pb2.DeletePostsRequest(post_ids=[1001]), timeout=10).position
    for _ in range(6):  # whichever replica answers
        assert not any(1001 in ids for ids in feeds_of(product, 2))
    rest = product.feed("béla", page_size=100, page_token=first.next_page_token)
    assert 1001 not in [post.post_id for post in rest.posts]
    assert state(catalog, 1001) == catalog_pb2.POST_STATE_DELETED
    assert product.feed("béla", at_least_position=position).position >= 0
    with pytest.raises(grpc.RpcError) as caught:
        similar(product, 1001)
    assert read_error_info(caught.value).reason == "POST_NOT_FOUND"
    upsert(catalog, a_post(1001))  # it comes back
    visible(product, catalog, 1001)
    catalog.DeletePosts(catalog_pb2.DeletePostsRequest(post_ids=[1001]), timeout=10)


def test_no_replica_shows_what_this_gateway_has_just_deleted(
    product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub
) -> None:
    numbers = range(2001, 2021)
    upsert(catalog, *(a_post(number) for number in numbers))
    for number in numbers:
        eventually(lambda number=number: state(catalog, number) == catalog_pb2.POST_STATE_SERVED)
    for _ in range(4):
        eventually(lambda: set(numbers) <= set(product.ids("béla", page_size=100)))
    for number in numbers:
        catalog.DeletePosts(catalog_pb2.DeletePostsRequest(post_ids=[number]), timeout=10)
        assert number not in product.ids("béla", page_size=100)  # of one replica
        assert number not in product.ids("béla", page_size=100)  # of the other


def test_a_change_replaces_a_post_and_a_new_category_appears(
    product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub
) -> None:
    upsert(catalog, a_post(1002, category_id=31, category_name="harbour"))
    eventually(lambda: state(catalog, 1002) == catalog_pb2.POST_STATE_SERVED)
    eventually(lambda: ids_of_new_category(product, 31) == [1002])
    eventually(lambda: "harbour" in [item.name for item in categories(product)])
    upsert(catalog, a_post(1002, category_id=7, title="loud drums"))
    visible(product, catalog, 1002, category_id=7)
    assert 1002 not in product.ids("béla", category_id=2)
    eventually(lambda: "harbour" not in [item.name for item in categories(product)])
    upsert(catalog, a_post(1002, is_servable=False))
    assert not any(1002 in ids for ids in feeds_of(product, 7))
    assert state(catalog, 1002) == catalog_pb2.POST_STATE_NOT_SERVABLE
    catalog.DeletePosts(catalog_pb2.DeletePostsRequest(post_ids=[1002]), timeout=10)


def ids_of_new_category(product: Product, category_id: int) -> list[int]:
    """The posts of the category; none while the replica that is asked does not know it."""
    try:
        return product.ids("béla", category_id=category_id)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:  # type: ignore[attr-defined]
            raise
        return []


def categories(product: Product) -> list[feed_pb2.Category]:
    return list(product.feeds.ListCategories(feed_pb2.ListCategoriesRequest(), timeout=10).categories)


def test_one_bad_row_refuses_none_of_its_neighbours(
    product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub
) -> None:
    posts = [a_post(1003, is_servable=False), a_post(1004, video_link=""), a_post(1005, category_id=77)]
    answer = catalog.UpsertPosts(catalog_pb2.UpsertPostsRequest(posts=posts), timeout=10)
    assert [row.reason.partition(":")[0] for row in answer.results] == ["", "video_link", "category_name"]
    assert answer.results[0].post_id == 1003


def test_http_does_the_same(product: Product, catalog: catalog_pb2_grpc.CatalogServiceStub) -> None:
    address = f"http://{product.http_address}"
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as http:
        told = {"category_id": 2, "video_link": "https://video.example/x", "title": "a walk", "owner_username": "x"}
        stored = http.put("/posts/external:clip%2F7", json=told)
        assert stored.status_code == 200, stored.text
        post_id = stored.json()["post_id"]
        assert post_id >= 2**52
        assert http.put("/posts/external:clip%2F7", json=told).json()["post_id"] == post_id
        visible(product, catalog, post_id)
        kept = http.get("/posts/external:clip%2F7").json()
        assert (kept["state"], kept["post"]["title"]) == ("SERVED", "a walk")
        like_it = http.get("/posts/external:clip%2F7/similar", params={"username": "béla", "page_size": 3}).json()
        assert len(like_it["posts"]) == 3
        feeds = {"feeds": [{"username": "béla", "page_size": 3}, {"username": "nobody"}, {"username": "😀"}]}
        results = http.post("/feeds", json=feeds | {"distinct": True}).json()["results"]
        shown = [post["post_id"] for result in results if "feed" in result for post in result["feed"]["posts"]]
        assert len(shown) == len(set(shown)) > 3
        assert results[1]["error"]["reason"] == "USER_NOT_FOUND"
        assert http.delete("/posts/external:clip%2F7").status_code == 200
        assert not any(post_id in ids for ids in feeds_of(product, 2))
        page = {"origin": "https://evil.example"}
        assert http.put("/posts/9", json=told, headers=page).status_code == 403
        assert http.put("/posts/9", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
        assert http.delete("/posts/20", headers=page).status_code == 403
        assert http.put("/rules/x", json={"action": "HIDE", "post_ids": [20]}, headers=page).status_code == 403
        assert 20 in product.ids("béla")


def test_a_rule_counts_from_the_answer_on(product: Product, rules: rules_pb2_grpc.RuleServiceStub) -> None:
    def set_rule(**fields: object) -> None:
        rules.SetRule(rules_pb2.SetRuleRequest(rule=rules_pb2.Rule(**fields)), timeout=10)

    set_rule(name="gone", action=rules_pb2.RULE_ACTION_HIDE, post_ids=[20])
    for _ in range(6):
        assert not any(20 in ids for ids in feeds_of(product, 2)[:5])
    rules.DeleteRule(rules_pb2.DeleteRuleRequest(name="gone"), timeout=10)
    for _ in range(6):
        assert 20 in product.ids("béla")
    set_rule(name="first", action=rules_pb2.RULE_ACTION_PIN, post_ids=[50, 30])
    for _ in range(6):
        posts = product.feed("béla").posts
        assert [post.post_id for post in posts[:2]] == [50, 30]
        assert posts[0].reason == feed_pb2.REASON_PINNED
    listed = rules.ListRules(rules_pb2.ListRulesRequest(), timeout=10).rules
    assert [rule.name for rule in listed] == ["first"]
    rules.DeleteRule(rules_pb2.DeleteRuleRequest(name="first"), timeout=10)
    with pytest.raises(grpc.RpcError) as caught:
        rules.DeleteRule(rules_pb2.DeleteRuleRequest(name="first"), timeout=10)
    assert read_error_info(caught.value).reason == "RULE_NOT_FOUND"


def test_several_feeds_are_those_of_single_calls(product: Product) -> None:
    asked = [
        feed_pb2.GetFeedRequest(username="béla", page_size=2),
        feed_pb2.GetFeedRequest(username="béla", mood="calm", page_size=2),
        feed_pb2.GetFeedRequest(username=" "),
        feed_pb2.GetFeedRequest(username="😀", page_size=2),
    ]

    def ask(*, distinct: bool) -> list[feed_pb2.FeedResult]:
        request = feed_pb2.GetFeedsRequest(feeds=asked, distinct=distinct)
        return list(product.feeds.GetFeeds(request, timeout=10).results)

    for result, request in zip(ask(distinct=False), asked, strict=True):
        if request.username.strip():
            alone = product.feeds.GetFeed(request, timeout=10)
            assert [post.post_id for post in result.feed.posts] == [post.post_id for post in alone.posts]
        else:
            assert (result.error.code, result.error.reason) == (3, "USERNAME_BLANK")
    shown: list[int] = []
    for result, request in zip(ask(distinct=True), asked, strict=True):
        if not request.username.strip():
            continue
        excluding = feed_pb2.GetFeedRequest()
        excluding.CopyFrom(request)
        excluding.exclude_post_ids.extend(shown)
        alone = product.feeds.GetFeed(excluding, timeout=10)
        ids = [post.post_id for post in result.feed.posts]
        assert ids == [post.post_id for post in alone.posts]
        if result.feed.next_page_token:
            excluding.page_token = result.feed.next_page_token
            assert not {post.post_id for post in product.feeds.GetFeed(excluding, timeout=10).posts} & {*shown, *ids}
        shown += ids
    assert len(set(shown)) == len(shown) == 5


def test_the_command_adds_shows_and_deletes(product: Product) -> None:
    def run(*arguments: str) -> str:
        environment = {"MOODFEED_GATEWAY_GRPC_ADDRESS": product.grpc_address, "COLUMNS": "120"}
        done = CliRunner().invoke(app, arguments, env=environment)
        assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
        return done.stdout

    added = run("post", "add", "1006", "--category", "2", "--video", "https://video.example/6", "--wait")
    assert added.startswith("stored as 1006 at position ")
    assert "visible after " in added
    assert "served, since position" in run("post", "show", "1006")
    assert "Posts like 1006, for béla" in run("similar", "1006", "--user", "béla")
    assert run("rule", "set", "up", "boost", "--post", "1006", "--boost", "0.5").startswith("stored at position ")
    assert "boost +0.5" in run("rule", "list")
    assert run("rule", "delete", "up").startswith("deleted at position ")
    assert run("post", "delete", "1006").startswith("deleted at position ")
    assert "deleted, since position" in run("post", "show", "1006")


def test_without_a_store_changes_are_refused_and_feeds_go_on(tmp_path: Path) -> None:
    with (
        running("three processes", tmp_path, store_url="") as product,
        grpc.insecure_channel(product.grpc_address) as channel,
    ):
        catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            catalog.DeletePosts(catalog_pb2.DeletePostsRequest(post_ids=[10]), timeout=10)
        assert (caught.value.code().name, read_error_info(caught.value).reason) == ("UNAVAILABLE", "NO_STORE")
        assert set(product.ids("béla")) == POSTS
        assert set(similar(product, 10)) == POSTS - {10}


def test_one_process_swaps_to_a_bundle_with_the_live_posts_and_does_not_wait_to_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE", "true")
    with running("one process", tmp_path) as product, grpc.insecure_channel(product.grpc_address) as channel:
        catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
        upsert(catalog, a_post(1007))
        visible(product, catalog, 1007)
        first = product.feed("béla").bundle_id
        write_servable_tiny_bundle(tmp_path / "bundles", seed=1)
        eventually(lambda: product.feed("béla").bundle_id != first)
        assert all(1007 in ids for ids in feeds_of(product, 2))  # at once: it was encoded before the swap
        assert state(catalog, 1007) == catalog_pb2.POST_STATE_SERVED
    said = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "logs").glob("*"))
    assert "bundle goes on without embeddings" not in said
