"""The server is killed while the index serves: first pages are degraded and named, and all is back by itself."""

import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from benchmarks.milvus_process import MilvusProcess
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

POSTS = contract_posts()
ASKED = Asked(user=1, category_id=2)
BACK_SECONDS = 300.0  # 38 seconds with the machine to itself; it loads its collections again, with all cores it can get


@pytest.mark.timeout(480)
def test_an_outage_is_named_and_over_once_the_server_is_back(
    milvus: MilvusProcess, server: Server, bring: Callable[[Path], None], tmp_path: Path
) -> None:
    directory = write_contract_bundle(tmp_path, POSTS)
    bring(directory)
    make_current(tmp_path, directory)
    expected = ranking_of(POSTS, ASKED)[:10]

    def search(index: Stub, **fields: int) -> object:
        return index.SearchPosts(ASKED.message(directory.name, limit=10, **fields), timeout=5)

    with served_index(tmp_path, engine_of=EngineOfServer(server, must_be_exact=True), most_dense=0) as index:
        assert [post.post_id for post in search(index).posts] == expected
        milvus.kill()
        slowest = 0.0
        for _ in range(20):
            started = time.monotonic()
            page = search(index)
            slowest = max(slowest, time.monotonic() - started)
            assert page.approximate
            assert page.unavailable_engine == "MILVUS_UNAVAILABLE"
            assert not page.has_more
            assert len(page.posts) == 10
            assert {post.category_id for post in page.posts} == {2}
        assert slowest < 3.0
        with pytest.raises(grpc.RpcError) as caught:
            search(index, offset=10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert read_error_info(caught.value).reason == "MILVUS_UNAVAILABLE"
        popular = index.SearchPosts(Asked(category_id=2).message(directory.name, limit=10), timeout=5)
        assert not popular.approximate, "what needs no vectors is as before"

        restarted = time.monotonic()
        milvus.start()
        while (page := search(index)).unavailable_engine:
            assert time.monotonic() - restarted < BACK_SECONDS
            time.sleep(0.2)
        print(f"back {time.monotonic() - restarted:.1f} s after the restart began")
        assert [post.post_id for post in page.posts] == expected
        assert not page.approximate
