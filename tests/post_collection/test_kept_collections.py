"""`moodfeed publish --milvus` keeps the collections of what is current and previous, by the aliases and the links."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bundle.directory import current_bundle, previous_bundle
from cli.subcommands import app
from post_collection.form import EMBEDDING, POST_ID, collection_name
from post_collection.server import CollectionError
from tests.post_collection.test_checks import Answer
from tests.tiny_bundle import write_tiny_bundle

URI = "http://127.0.0.1:19530"
Row = dict[str, Any]


@dataclass
class StandIn:
    """What is asked of a Milvus server, in memory."""

    uri: str = URI
    rows: dict[str, list[Row]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, *arguments: Any, seconds: float, **_: object) -> Any:
        match method, arguments:
            case "list_collections", ():
                return list(self.rows)
            case "has_collection", (name,):
                return name in self.rows
            case "describe_collection", (alias,):
                if alias not in self.aliases:
                    raise CollectionError(f"there is no {alias}")
                return {"collection_name": self.aliases[alias]}
            case "create_collection", (name,):
                self.rows[name] = []
            case "insert", (name, rows):
                self.rows[name] += rows
            case "drop_collection", (name,):
                assert name not in self.aliases.values(), "as Milvus, which refuses it"
                del self.rows[name]
            case "alter_alias", (name, alias):
                if alias not in self.aliases:
                    raise CollectionError(f"there is no {alias}")
                self.aliases[alias] = name
            case "create_alias", (name, alias):
                self.aliases[alias] = name
            case "describe_index", _:
                return {"index_type": "FLAT"}
            case "query", (name,):
                return [{"count(*)": len(self.rows[name])}]
            case "search", (name, [query]):
                scored = sorted((float(np.dot(row[EMBEDDING], query)), row[POST_ID]) for row in self.rows[name])[::-1]
                return [Answer([post_id for _, post_id in scored], [score for score, _ in scored])]
            case "flush" | "create_index" | "load_collection", _:
                pass
            case _:
                raise AssertionError(f"{method} was not expected")
        return None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The server that the commands find at URI; no process of this machine is told to load anything."""
    server = StandIn()
    monkeypatch.setattr("post_collection.server.Server", lambda uri, **_: server)
    for name in ("MOODFEED_USER_TOWER_ADDRESS", "MOODFEED_POST_INDEX_ADDRESS"):
        monkeypatch.setenv(name, "127.0.0.1:1")
    return server


def moodfeed(*arguments: str | Path) -> None:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output


def bundles_of(root: Path, count: int) -> list[str]:
    return [write_tiny_bundle(root, seed=seed, created_at=f"2026-01-0{seed + 1}").name for seed in range(count)]


def test_a_rollback_that_was_not_told_of_the_server_costs_no_bundle_its_collection(
    server: StandIn, tmp_path: Path
) -> None:
    first, second, third = bundles_of(tmp_path, 3)
    for name in (first, second):
        moodfeed("publish", name, "--bundles", tmp_path, "--milvus", URI)
    moodfeed("rollback", "--bundles", tmp_path)
    moodfeed("publish", third, "--bundles", tmp_path, "--milvus", URI)
    assert (current_bundle(tmp_path).name, (previous_bundle(tmp_path) or tmp_path).name) == (third, first)
    assert {collection_name(third), collection_name(first)} <= server.rows.keys()


def test_nor_does_the_next_run_before_it_has_filled_its_own(server: StandIn, tmp_path: Path) -> None:
    first, second, third, fourth = bundles_of(tmp_path, 4)
    for name in (first, second):
        moodfeed("publish", name, "--bundles", tmp_path, "--milvus", URI)
    moodfeed("rollback", "--bundles", tmp_path)
    for name in (third, fourth):
        moodfeed("publish", name, "--bundles", tmp_path, "--milvus", URI, "--no-reload")
    assert collection_name(first) in server.rows, "it was the previous one until the links moved"


def test_a_collection_that_neither_names_goes(server: StandIn, tmp_path: Path) -> None:
    names = bundles_of(tmp_path, 4)
    for name in names:
        moodfeed("publish", name, "--bundles", tmp_path, "--milvus", URI)
    assert server.rows.keys() == {collection_name(name) for name in names[2:]}
