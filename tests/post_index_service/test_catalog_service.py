"""Posts and rules over gRPC at a real server of the index, with a real store and the log that it follows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest

from bundle.held_bundles import HeldBundles
from bundle.index_posts import UNKNOWN_MOMENT
from compute.bundle_admin import LoggedBundles
from compute.log_tail import LogTail
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from moodfeed.rules.v1 import rules_pb2
from post_index_service.index import PostIndex
from post_index_service.loading import load
from post_index_service.post_store import PostStore
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from rpc.errors import read_error_info
from rpc.server import ServerOptions, start_server
from store.errors import StoreUnavailableError
from store.port import Store
from store.posts import NewPost, Post, PostEmbedding
from store.sql_store import open_store
from tests.post_index_service.conftest import TEXT_DIMENSION, TOWER_DIMENSION, make_index_posts, unit_rows

IN_BUNDLE = make_index_posts()
OLD = int(IN_BUNDLE.post_ids[10])  # a post of category 2
NEW = 77_777


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@contextmanager
def served(bundle: Path, log: LogTail | None) -> Iterator[post_index_pb2_grpc.PostIndexServiceStub]:
    held: HeldBundles[PostIndex] = HeldBundles(
        bundle.parent, lambda bundle: load(bundle, log=log), listener=LoggedBundles()
    )
    running = start_server(
        ServerOptions("index", "127.0.0.1:0", "ADDRESS", pool_size=2, grace_seconds=0),
        add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
            PostIndexService(held, log), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            yield post_index_pb2_grpc.PostIndexServiceStub(channel)
    finally:
        running.stop(0)


@pytest.fixture
def index(index_bundle: Path, url: str, store: Store) -> Iterator[post_index_pb2_grpc.PostIndexServiceStub]:
    log = LogTail(lambda: open_store(url))
    with log.followed(), served(index_bundle, log) as stub:
        yield stub


def a_post(post_id: int | None = NEW, **fields: object) -> catalog_pb2.Post:
    given = {"category_id": 2, "video_link": "https://video.example/new", "title": "new"} | fields
    return catalog_pb2.Post(post_id=post_id, **given)


def upsert(index: post_index_pb2_grpc.PostIndexServiceStub, *posts: catalog_pb2.Post) -> object:
    return index.UpsertPosts(post_index_pb2.UpsertPostsRequest(posts=posts), timeout=30)


def state_of(index: post_index_pb2_grpc.PostIndexServiceStub, post_id: int) -> str:
    (kept,) = index.GetPosts(post_index_pb2.GetPostsRequest(post_ids=[post_id]), timeout=30).posts
    return catalog_pb2.PostState.Name(kept.state)


def shown(index: post_index_pb2_grpc.PostIndexServiceStub, **fields: object) -> list[int]:
    answer = index.SearchPosts(post_index_pb2.SearchPostsRequest(limit=100, **fields), timeout=30)
    return [post.post_id for post in answer.posts]


def embed(store: Store, bundle: Path, *post_ids: int) -> int:
    random = np.random.default_rng(1)
    revisions = store.posts_by_id(post_ids)
    return store.keep_embeddings(
        bundle.name,
        [
            PostEmbedding(
                post_id=post_id,
                revision=revisions[post_id].position,
                tower=unit_rows(random, 1, TOWER_DIMENSION).astype("<f4").tobytes(),
                text=unit_rows(random, 1, TEXT_DIMENSION).astype("<f2").tobytes(),
            )
            for post_id in post_ids
        ],
    )


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), read_error_info(caught.value).reason


def test_a_post_waits_for_its_embeddings_and_is_then_served(
    index: post_index_pb2_grpc.PostIndexServiceStub, store: Store, index_bundle: Path
) -> None:
    answer = upsert(index, a_post())
    (result,) = answer.results
    assert (result.result, result.post_id) == (catalog_pb2.UPSERT_RESULT_ACCEPTED, NEW)
    assert state_of(index, NEW) == "POST_STATE_PENDING"
    assert NEW not in shown(index, at_least_position=answer.position)
    position = embed(store, index_bundle, NEW)
    assert NEW in shown(index, at_least_position=position)
    assert NEW in shown(index, at_least_position=position, category_id=2)
    assert state_of(index, NEW) == "POST_STATE_SERVED"
    counts = {
        item.category_id: item.post_count
        for item in index.ListCategories(post_index_pb2.ListCategoriesRequest()).categories
    }
    assert counts == {2: 41, 7: 9}


def test_a_deletion_counts_from_its_answer_on(index: post_index_pb2_grpc.PostIndexServiceStub) -> None:
    for post_id in IN_BUNDLE.post_ids[:20].tolist():
        index.DeletePosts(post_index_pb2.DeletePostsRequest(post_ids=[post_id]), timeout=30)
        assert post_id not in shown(index)
        assert state_of(index, post_id) == "POST_STATE_DELETED"


def test_a_category_without_posts_is_invalid_and_a_new_one_needs_a_name(
    index: post_index_pb2_grpc.PostIndexServiceStub, store: Store, index_bundle: Path
) -> None:
    of_7 = IN_BUNDLE.post_ids[IN_BUNDLE.category_ids == 7].tolist()
    index.DeletePosts(post_index_pb2.DeletePostsRequest(post_ids=of_7), timeout=30)
    assert refusal(lambda: shown(index, category_id=7)) == (grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND")
    answer = upsert(
        index, a_post(1, category_id=9), a_post(2, category_id=9, category_name="nine"), a_post(category_id=7)
    )
    assert [(row.reason, row.post_id) for row in answer.results] == [
        ("category_name: is missing; category 9 is new", 0),
        ("", 2),
        ("", NEW),
    ]
    position = embed(store, index_bundle, 2, NEW)
    assert shown(index, category_id=9, at_least_position=position) == [2]
    listed = index.ListCategories(post_index_pb2.ListCategoriesRequest()).categories
    assert [(item.category_id, item.name, item.post_count) for item in listed] == [
        (2, "category 2", 40),
        (7, "category 7", 1),
        (9, "nine", 1),
    ]


def test_a_row_that_cannot_be_stored_refuses_none_of_the_others(
    index: post_index_pb2_grpc.PostIndexServiceStub,
) -> None:
    answer = upsert(index, a_post(0), a_post(category_id=0), a_post(None), a_post())
    assert [row.reason.split(":")[0] for row in answer.results] == ["post_id", "category_id", "post_id", ""]
    assert [row.post_id for row in answer.results] == [0, 0, 0, NEW]
    assert upsert(index, a_post(0)).position == 0


def test_a_post_of_the_bundle_is_found_by_its_external_id(
    index: post_index_pb2_grpc.PostIndexServiceStub, store: Store, index_bundle: Path
) -> None:
    called = {int(post.post_id): post.external_id for post in IN_BUNDLE.posts if post.external_id}
    names = list(called.values())
    post_id, name = next((post_id, name) for post_id, name in called.items() if names.count(name) == 1)
    (result,) = upsert(index, a_post(None, external_id=name)).results
    assert result.post_id == post_id
    index.DeletePosts(post_index_pb2.DeletePostsRequest(external_ids=[name]), timeout=30)
    assert post_id not in shown(index)
    (kept,) = index.GetPosts(post_index_pb2.GetPostsRequest(external_ids=[name]), timeout=30).posts
    assert (kept.post.post_id, kept.state) == (post_id, catalog_pb2.POST_STATE_DELETED)


@pytest.mark.parametrize("in_bundle", [False, True])
def test_an_external_id_that_a_deleted_post_came_back_without_names_it_no_more(
    index: post_index_pb2_grpc.PostIndexServiceStub, in_bundle: bool
) -> None:
    post_id = NEW
    if in_bundle:
        called = {int(post.post_id): post.external_id for post in IN_BUNDLE.posts if post.external_id}
        names = list(called.values())
        post_id, name = next((post_id, name) for post_id, name in called.items() if names.count(name) == 1)
    else:
        name = "first"
        upsert(index, a_post(post_id, external_id=name))
    old = post_index_pb2.DeletePostsRequest(external_ids=[name])
    index.DeletePosts(old, timeout=30)
    upsert(index, a_post(post_id, external_id="second"))
    assert not index.GetPosts(post_index_pb2.GetPostsRequest(external_ids=[name]), timeout=30).posts
    index.DeletePosts(old, timeout=30)
    assert state_of(index, post_id) == "POST_STATE_PENDING"
    index.DeletePosts(post_index_pb2.DeletePostsRequest(post_ids=[post_id]), timeout=30)
    assert not index.GetPosts(post_index_pb2.GetPostsRequest(external_ids=[name]), timeout=30).posts
    (kept,) = index.GetPosts(post_index_pb2.GetPostsRequest(external_ids=["second"]), timeout=30).posts
    assert kept.post.post_id == post_id


def test_a_post_that_another_replica_has_just_stored_is_found_by_its_external_id(
    index: post_index_pb2_grpc.PostIndexServiceStub, store: Store
) -> None:
    for number in range(10):  # before this replica looks at the log by itself
        name = f"elsewhere {number}"
        post = Post(post_id=NEW + number, category_id=2, video_link="v", created_at_ms=1, external_id=name)
        store.upsert_posts([NewPost(post=post)])
        index.DeletePosts(post_index_pb2.DeletePostsRequest(external_ids=[name]), timeout=30)
        assert state_of(index, NEW + number) == "POST_STATE_DELETED"
        store.upsert_posts([NewPost(post=replace(post, external_id=f"{name} again"))])
        asked = post_index_pb2.GetPostsRequest(external_ids=[f"{name} again"])
        assert [kept.post.post_id for kept in index.GetPosts(asked, timeout=30).posts] == [NEW + number]


def test_a_post_that_only_the_bundle_knows_is_told_as_feeds_show_it(
    index: post_index_pb2_grpc.PostIndexServiceStub,
) -> None:
    found = index.GetPosts(post_index_pb2.GetPostsRequest(post_ids=[OLD, 123_456]), timeout=30).posts
    (kept,) = found
    assert (kept.post.post_id, kept.post.title, kept.position) == (OLD, f"post {OLD}", 0)
    assert kept.state == catalog_pb2.POST_STATE_SERVED
    upsert(index, a_post(OLD, is_servable=False))
    assert state_of(index, OLD) == "POST_STATE_NOT_SERVABLE"
    assert OLD not in shown(index)


def test_a_change_without_a_moment_keeps_the_one_that_the_bundle_or_the_last_change_has(url: str, store: Store) -> None:
    dated = replace(IN_BUNDLE, created_ms=np.where(IN_BUNDLE.post_ids == OLD, 1_600_000_000_000, UNKNOWN_MOMENT))
    other = int(IN_BUNDLE.post_ids[11])
    log = LogTail(lambda: open_store(url))

    def moments(keeper: PostStore, *, now_ms: int, is_given: bool = False) -> list[int]:
        posts = [
            Post(post_id=post_id, category_id=2, video_link="v", created_at_ms=now_ms) for post_id in (OLD, other, NEW)
        ]
        keeper.upsert([NewPost(post=post, keeps_created_at=not is_given) for post in posts])
        kept = store.posts_by_id([OLD, other, NEW])
        return [revision.post.created_at_ms for post_id in (OLD, other, NEW) if (revision := kept[post_id]).post]

    with log.followed():
        index = PostIndex(dated, bundle_id="0" * 64, user_weight=0.5, log=log)
        keeper = PostStore(lambda: [index], log)
        assert moments(keeper, now_ms=7) == [1_600_000_000_000, 7, 7]
        assert moments(keeper, now_ms=8, is_given=True) == [8, 8, 8]
        assert moments(keeper, now_ms=9) == [8, 8, 8]


def test_rules_count_from_their_answer_on(index: post_index_pb2_grpc.PostIndexServiceStub) -> None:
    ids = shown(index)
    pin = rules_pb2.Rule(name="ours", action=rules_pb2.RULE_ACTION_PIN, post_ids=[ids[5], ids[3]])
    index.SetRule(post_index_pb2.SetRuleRequest(rule=pin), timeout=30)
    answer = index.SearchPosts(post_index_pb2.SearchPostsRequest(limit=100), timeout=30)
    assert [post.post_id for post in answer.posts][:3] == [ids[5], ids[3], ids[0]]
    assert [post.reason for post in answer.posts][:3] == [
        feed_pb2.REASON_PINNED,
        feed_pb2.REASON_PINNED,
        feed_pb2.REASON_POPULAR,
    ]
    hide = rules_pb2.Rule(name="not these", action=rules_pb2.RULE_ACTION_HIDE, post_ids=[ids[5], ids[0]])
    index.SetRule(post_index_pb2.SetRuleRequest(rule=hide), timeout=30)
    assert shown(index)[:2] == [ids[3], ids[1]]
    later = shown(index, posts_position=answer.posts_position, rules_moment_ms=answer.rules_moment_ms)
    assert later[:2] == [ids[3], ids[1]]
    assert list(index.ListRules(post_index_pb2.ListRulesRequest()).rules) == [hide, pin]
    index.DeleteRule(post_index_pb2.DeleteRuleRequest(name="not these"), timeout=30)
    index.DeleteRule(post_index_pb2.DeleteRuleRequest(name="ours"), timeout=30)
    assert shown(index) == ids
    again = post_index_pb2.DeleteRuleRequest(name="ours")
    assert refusal(lambda: index.DeleteRule(again)) == (grpc.StatusCode.NOT_FOUND, "RULE_NOT_FOUND")


def test_without_a_store_posts_and_rules_are_refused_and_searches_are_not(index_bundle: Path) -> None:
    with served(index_bundle, None) as stub:
        no_store = (grpc.StatusCode.FAILED_PRECONDITION, "NO_STORE")
        assert refusal(lambda: upsert(stub, a_post())) == no_store
        assert refusal(lambda: state_of(stub, OLD)) == no_store
        assert refusal(lambda: stub.ListRules(post_index_pb2.ListRulesRequest())) == no_store
        answer = stub.SearchPosts(post_index_pb2.SearchPostsRequest(limit=1))
        assert not answer.HasField("posts_position")


def test_a_store_that_does_not_answer_is_named_and_searches_go_on(index_bundle: Path) -> None:
    def down() -> Store:
        raise StoreUnavailableError("down")

    log = LogTail(down)
    with log.followed(), served(index_bundle, log) as stub:
        unavailable = (grpc.StatusCode.FAILED_PRECONDITION, "STORE_UNAVAILABLE")
        assert refusal(lambda: upsert(stub, a_post())) == unavailable
        assert len(shown(stub)) == 54
        late = refusal(lambda: shown(stub, at_least_position=1))
        assert late == (grpc.StatusCode.FAILED_PRECONDITION, "POSITION_NOT_REACHED")


def test_pages_of_before_a_restart_are_refused_if_something_has_changed_since(
    index_bundle: Path, url: str, store: Store
) -> None:
    store.delete_posts([OLD])
    store.delete_posts([OLD + 1])
    log = LogTail(lambda: open_store(url))
    with log.followed(), served(index_bundle, log) as stub:
        not_held = (grpc.StatusCode.FAILED_PRECONDITION, "POSTS_NOT_HELD")
        assert refusal(lambda: shown(stub, posts_position=1)) == not_held
        assert OLD not in shown(stub, posts_position=2)
