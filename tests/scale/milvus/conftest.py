from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.milvus_process import MilvusProcess
from bundle.directory import open_bundle
from post_collection.filling import IndexForm
from post_collection.form import IndexKind
from post_collection.publishing import Publishing
from post_collection.server import Server

NO_BUNDLES = Path("no-bundles")
"""A directory of bundles that is not there: only the aliases say which collections are kept."""


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusProcess]:
    """A server for each file: one that was killed serves again only once it has loaded all that it held."""
    with MilvusProcess(tmp_path_factory.mktemp("milvus")) as process:
        yield process


@pytest.fixture(scope="module")
def server(milvus: MilvusProcess) -> Server:
    return Server(milvus.uri)


def publishing(server: Server, kind: IndexKind = IndexKind.FLAT, **form: int) -> Publishing:
    return Publishing(NO_BUNDLES, server, IndexForm(kind, **form), lambda *_: None)


@pytest.fixture(scope="module")
def bring(server: Server) -> Callable[[Path], None]:
    """Publish a bundle to the server, as moodfeed publish does."""

    def bring_one(directory: Path) -> None:
        bundle = open_bundle(directory)
        publishing(server).bring(bundle)
        publishing(server).make_current(bundle.bundle_id)

    return bring_one
