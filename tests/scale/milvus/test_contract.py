"""The contract of the post index, with a real Milvus server that searches exactly."""

from functools import partial

import pytest

from post_collection.server import Server
from post_index_service.milvus.engine import EngineOfServer
from tests.post_index_service.contract import Opened, PostIndexContract
from tests.post_index_service.contract_world import served_index


class TestMilvus(PostIndexContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, server: Server) -> Opened:
        return partial(served_index, engine_of=EngineOfServer(server, must_be_exact=True), most_dense=0)
