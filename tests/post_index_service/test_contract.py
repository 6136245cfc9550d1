"""The contract of the post index, with our own engine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.post_index_service.contract import Opened, PostIndexContract
from tests.post_index_service.contract_world import served_index


class TestOwnEngine(PostIndexContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls) -> Opened:
        return served_index

    @pytest.fixture(scope="class")
    @classmethod
    def bring(cls) -> Callable[[Path], None]:
        return lambda directory: None


class TestOwnEngineWhoseCodesAreScanned(TestOwnEngine):
    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls) -> Opened:
        return lambda root, **options: served_index(root, most_dense=0, **options)
