"""What make bench-scale measures of an engine, on few posts and our own index; and what it remembers of a server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from pymilvus.grpc_gen import common_pb2, milvus_pb2, milvus_pb2_grpc
from pymilvus.orm.utility import BulkInsertState

from benchmarks.scale.__main__ import Row, as_markdown
from benchmarks.scale.milvus_loading import Loaded, _by_file, in_order
from benchmarks.scale.posts import KINDS, made_posts, queries
from benchmarks.scale.searches import figures, recall, true_numbers
from bundle.index_posts import IndexPosts
from post_collection.form import IndexKind
from post_collection.server import Server
from post_index_service.index import PostIndex


@pytest.fixture(scope="module")
def posts() -> IndexPosts:
    return made_posts(4_000, 16)


@pytest.fixture(scope="module")
def index(posts: IndexPosts) -> PostIndex:
    return PostIndex(posts, bundle_id="b" * 64, user_weight=0.5, most_exact=len(posts.posts))


def test_an_exact_index_finds_what_it_finds(posts: IndexPosts, index: PostIndex) -> None:
    asked = queries(index, posts, 8, seed=1)
    found = figures(index, asked, true_numbers(index, asked))
    assert tuple(found) == KINDS
    for item in found.values():
        assert item.recall == {10: 1.0, 100: 1.0}
        assert item.approximate == 0
        assert 0 < item.p50 <= item.p99


def test_recall_is_that_of_the_worst_kind(posts: IndexPosts, index: PostIndex) -> None:
    asked = queries(index, posts, 8, seed=1)
    truth = dict(true_numbers(index, asked))
    best = [[number + 1 for number in numbers] for numbers in truth["user, all"]]
    assert recall(index, asked, truth, depth=100) == 1.0
    assert recall(index, asked, {**truth, "user, all": best}, depth=100) == 0.0


def test_queries_of_another_seed_are_others(posts: IndexPosts, index: PostIndex) -> None:
    one, same, other = (true_numbers(index, queries(index, posts, 2, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_run_that_stopped_knows_what_is_loaded(tmp_path: Path) -> None:
    loaded = Loaded.read(tmp_path / "loaded.json")
    assert (loaded.rows, loaded.is_flushed) == (0, False)
    loaded.rows, loaded.begun, loaded.index = 100, 200, "HNSW"
    loaded.index_seconds["HNSW"] = 2.5
    loaded.keep()
    assert Loaded.read(tmp_path / "loaded.json") == loaded
    assert in_order([IndexKind.FLAT, IndexKind.HNSW], loaded) == [IndexKind.HNSW, IndexKind.FLAT]


class Importing(milvus_pb2_grpc.MilvusServiceServicer):
    """As much of a Milvus server as a bulk insert asks for."""

    def Connect(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return milvus_pb2.ConnectResponse(status=common_pb2.Status())

    def Import(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        assert all(Path(name).exists() for name in request.files)
        return milvus_pb2.ImportResponse(status=common_pb2.Status(), tasks=[1])

    def GetImportState(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return milvus_pb2.GetImportStateResponse(status=common_pb2.Status(), state=BulkInsertState.ImportCompleted)


@pytest.mark.filterwarnings("ignore::pymilvus.decorators.PyMilvusDeprecationWarning")
def test_files_are_inserted_at_one_server_after_another(posts: IndexPosts, tmp_path: Path) -> None:
    for dimension in (64, 448):
        server = grpc.server(ThreadPoolExecutor(2))
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(Importing(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            loaded = Loaded(tmp_path / f"{dimension}.json")
            _by_file(Server(f"http://127.0.0.1:{port}"), posts, loaded, tmp_path / "files")
            assert (loaded.rows, Loaded.read(loaded.path).begun) == (len(posts.posts), len(posts.posts))
        finally:
            server.stop(None)


def test_the_tables_have_a_row_for_each_engine(posts: IndexPosts, index: PostIndex) -> None:
    asked = queries(index, posts, 6, seed=1)
    row = Row("own, exact", 4_000, 16, 1.5, 0, 0, 0, figures(index, asked, true_numbers(index, asked)))
    table = as_markdown([row])
    assert table.count("| own, exact | 4,000 × 16 |") == 3
    assert "| 1.000 / 1.000 |" in table
