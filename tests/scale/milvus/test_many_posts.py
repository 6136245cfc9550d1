"""More posts than a search of Milvus gives: how deep pages go, and what is said of an index that may miss posts."""

from collections.abc import Iterator

import grpc
import pytest

from bundle.directory import open_bundle
from bundle.manifest import BundleError
from post_collection.form import MOST_HITS, IndexKind
from post_collection.server import Server
from post_index_service.milvus.engine import EngineOfServer
from rpc.errors import read_error_info
from tests.post_index_service.contract_world import (
    Asked,
    Stub,
    contract_posts,
    make_current,
    ranking_of,
    served_index,
    write_contract_bundle,
)
from tests.scale.milvus.conftest import publishing

POSTS = contract_posts(21, {0: 100, 2: 18_000, 7: 2_000})
OTHERS = contract_posts(22, {0: 100, 2: 18_000, 7: 2_000})
ASKED = Asked(user=1, category_id=2)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[tuple[Stub, str]]:
    root = tmp_path_factory.mktemp("flat")
    directory = write_contract_bundle(root, POSTS)
    publishing(server).bring(open_bundle(directory))
    make_current(root, directory)
    with served_index(root, engine_of=EngineOfServer(server, must_be_exact=True), most_dense=0) as stub:
        yield stub, directory.name


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[tuple[Stub, str]]:
    root = tmp_path_factory.mktemp("hnsw")
    directory = write_contract_bundle(root, OTHERS)
    publishing(server, IndexKind.HNSW).bring(open_bundle(directory))
    make_current(root, directory)
    with pytest.raises(BundleError, match="index HNSW, which may miss posts"):
        EngineOfServer(server, must_be_exact=True)(open_bundle(directory), OTHERS)
    with served_index(root, engine_of=EngineOfServer(server, must_be_exact=False), most_dense=0) as stub:
        yield stub, directory.name


@pytest.mark.parametrize("offset", [0, 1_000, MOST_HITS - 100])
def test_pages_are_exact_as_deep_as_milvus_gives(exact: tuple[Stub, str], offset: int) -> None:
    index, bundle_id = exact
    page = index.SearchPosts(ASKED.message(bundle_id, offset=offset, limit=100), timeout=30)
    assert [post.post_id for post in page.posts] == ranking_of(POSTS, ASKED)[offset : offset + 100]
    assert not page.approximate
    assert page.has_more


def test_deeper_pages_are_refused_by_name(exact: tuple[Stub, str]) -> None:
    index, bundle_id = exact
    with pytest.raises(grpc.RpcError) as caught:
        index.SearchPosts(ASKED.message(bundle_id, offset=MOST_HITS - 99, limit=100), timeout=30)
    assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
    info = read_error_info(caught.value)
    assert (info.reason, info.metadata["depth"]) == ("PAGE_TOO_DEEP", str(MOST_HITS))


def test_a_smaller_category_ends_where_it_ends(exact: tuple[Stub, str]) -> None:
    index, bundle_id = exact
    asked = Asked(user=1, mood=1, category_id=7)
    page = index.SearchPosts(asked.message(bundle_id, offset=1_950, limit=100), timeout=30)
    assert [post.post_id for post in page.posts] == ranking_of(POSTS, asked)[1_950:]


def test_the_most_popular_posts_have_no_depth(exact: tuple[Stub, str]) -> None:
    index, bundle_id = exact
    asked = Asked(category_id=2)
    page = index.SearchPosts(asked.message(bundle_id, offset=17_950, limit=100), timeout=30)
    assert [post.post_id for post in page.posts] == ranking_of(POSTS, asked)[17_950:]


@pytest.mark.parametrize(("user", "mood"), [(2, None), (None, 2), (2, 2)])
def test_an_index_that_may_miss_posts_says_so_and_misses_few(
    fast: tuple[Stub, str], user: int | None, mood: int | None
) -> None:
    index, bundle_id = fast
    asked = Asked(user=user, mood=mood, category_id=2)
    expected = ranking_of(OTHERS, asked)[:100]
    page = index.SearchPosts(asked.message(bundle_id, limit=100), timeout=30)
    assert page.approximate
    assert len(set(expected) & {post.post_id for post in page.posts}) >= 95


def test_its_pages_never_overlap_and_never_rise(fast: tuple[Stub, str]) -> None:
    index, bundle_id = fast
    found, numbers = [], []
    for offset in range(0, 3_000, 100):
        page = index.SearchPosts(ASKED.message(bundle_id, offset=offset, limit=100), timeout=30)
        found += [post.post_id for post in page.posts]
        numbers += [post.ranking_score for post in page.posts]
    assert len(set(found)) == len(found) == 3_000
    assert numbers == sorted(numbers, reverse=True)
