"""A bundle is current at Milvus only when all of it is there and its canaries are found."""

from pathlib import Path

import pytest

from bundle.directory import open_bundle
from bundle.manifest import BundleError
from post_collection.filling import fill
from post_collection.form import CURRENT_ALIAS, PREVIOUS_ALIAS, IndexKind, collection_name
from post_collection.server import CollectionError, MilvusUnavailableError, Server
from post_index_service.milvus.engine import EngineOfServer
from tests.post_index_service.contract_world import contract_posts, write_contract_bundle
from tests.scale.milvus.conftest import publishing

SIZES = {2: 60, 7: 30}


def test_the_alias_follows_two_bundles_and_older_ones_go(server: Server, tmp_path: Path) -> None:
    names = []
    for seed in (11, 12, 13):
        directory = write_contract_bundle(tmp_path, contract_posts(seed, SIZES))
        publisher = publishing(server)
        publisher.bring(open_bundle(directory))
        before = publisher.at(CURRENT_ALIAS)
        assert before != collection_name(directory.name), "not before it is checked"
        publisher.make_current(directory.name)
        names.append(collection_name(directory.name))
        assert (publisher.at(CURRENT_ALIAS), publisher.at(PREVIOUS_ALIAS)) == (names[-1], before)
        publisher.remove_old()
    assert [server.ask("has_collection", name, seconds=5) for name in names] == [False, True, True]


def test_a_run_that_stopped_is_made_anew(server: Server, tmp_path: Path) -> None:
    posts = contract_posts(14, SIZES)
    directory = write_contract_bundle(tmp_path, posts)
    bundle, name = open_bundle(directory), collection_name(directory.name)

    def stop(what: str, done: int, count: int) -> None:
        if what == "indexing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(server, name, posts, form=publishing(server).form, progress=stop)
    with pytest.raises(BundleError, match="has no index"):
        EngineOfServer(server, must_be_exact=True)(bundle, posts)
    publishing(server).bring(bundle)
    assert EngineOfServer(server, must_be_exact=True)(bundle, posts).collection.name == name


def test_a_collection_with_other_posts_is_refused(server: Server, tmp_path: Path) -> None:
    wrong = open_bundle(write_contract_bundle(tmp_path, contract_posts(15, SIZES), wrong_canary=True))
    current = publishing(server).at(CURRENT_ALIAS)
    with pytest.raises(CollectionError, match=r"does not find \d+ of the canaries' 20 posts"):
        publishing(server).bring(wrong)
    assert publishing(server).at(CURRENT_ALIAS) == current


def test_a_bundle_that_was_not_published_is_refused_by_name(server: Server, tmp_path: Path) -> None:
    posts = contract_posts(16, SIZES)
    bundle = open_bundle(write_contract_bundle(tmp_path, posts))
    with pytest.raises(BundleError, match=r"has no collection .*: run `moodfeed publish BUNDLE --milvus http"):
        EngineOfServer(server, must_be_exact=True)(bundle, posts)


def test_a_collection_that_may_be_searched_is_not_made_anew_with_another_index(server: Server, tmp_path: Path) -> None:
    bundle = open_bundle(write_contract_bundle(tmp_path, contract_posts(17, SIZES)))
    publishing(server).bring(bundle)
    with pytest.raises(CollectionError, match="has the index FLAT and may be in use"):
        publishing(server, IndexKind.HNSW).bring(bundle)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(MilvusUnavailableError, match=r"Milvus at http://127\.0\.0\.1:9 "):
        publishing(Server("http://127.0.0.1:9")).at(CURRENT_ALIAS)
