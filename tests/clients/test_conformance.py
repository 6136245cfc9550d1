"""Both clients give what the cases expect, over gRPC and HTTP, in Node and in a browser, and all of them the same."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from gateway.api_access import ACCESS_ERRORS
from gateway.edge import ERRORS
from rpc.admin_access import ADMIN_ERRORS
from tests.clients.browser import BrowserPage, chromium
from tests.clients.conftest import ROOT, TYPESCRIPT, run
from tests.clients.expectations import faults
from tests.clients.gateways import World

Json = dict[str, object]
Results = dict[str, list[Json]]
CASES = ROOT / "clients" / "conformance" / "cases.json"
PHASES = READING, WRITING = ("reading", "writing")
KINDS = ("python-sync", "python-async", "node-grpc", "node-http", "browser")
FIRST_BIG_ID = 2**53 + 1
FOR_THE_RUNNER = {"call", "with", "gateway", "client", "save", "pause_ms", "restart", "until"}
VOLATILE = {"next_page_token", "feed_id", "position", "ms", "message"}
"""What differs between two answers to the same request; messages of the client's own differ by language."""


@cache
def all_cases() -> list[Json]:
    return cast("list[Json]", json.loads(CASES.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Ran:
    """What one kind of client gave in one phase, and the names that its cases used."""

    phase: str
    kind: str
    names: Json
    results: Results


def names_for(kind: str, world: World) -> Json:
    """The names of the world, with people, posts and events that no other kind of client touches."""
    number = KINDS.index(kind)
    fresh = {f"fresh{suffix}": f"newcomer{suffix} of {kind}" for suffix in ("", *map(str, range(2, 9)))}
    return {
        **world.names,
        **fresh,
        "slashed": f"ü/ä?#& of {kind}",
        "event_id": f"event of {kind}",
        "rule": f"rule of {kind}/ü",
        "big_id": str(FIRST_BIG_ID + 2 * number),
        "big_external_id": f"clip/{kind} ü,1",
    }


def cases_for(phase: str, kind: str) -> list[Json]:
    """The cases of a phase that a kind of client runs, without what is expected."""
    left_out = {"node-http": "http", "browser": "browser"}.get(kind, "grpc")
    chosen = [
        case
        for case in all_cases()
        if ("writes" in case) == (phase == WRITING) and left_out not in cast("Sequence[str]", case.get("not_for", ()))
    ]
    return [
        {
            "name": case["name"],
            "steps": [
                {key: value for key, value in step.items() if key in FOR_THE_RUNNER}
                for step in cast("list[Json]", case["steps"])
            ],
        }
        for case in chosen
    ]


@pytest.fixture(scope="module", params=[(phase, kind) for phase in PHASES for kind in KINDS], ids=" by ".join)
def ran(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The cases of one phase through one kind of client; what is written comes after all that is only read."""
    phase, kind = request.param
    names = names_for(kind, world)
    directory = tmp_path_factory.mktemp(f"{phase}-{kind}")
    output = directory / "results.json"
    described = {"gateways": world.gateways, "names": names}
    if kind == "browser":
        if chromium() is None:
            pytest.skip("there is no Chromium on this machine")
        bundle = directory / "cases.js"
        project: Path = request.getfixturevalue("node_project")
        esbuild = TYPESCRIPT / "node_modules" / ".bin" / "esbuild"
        run([esbuild, "browser.mjs", "--bundle", "--format=esm", f"--outfile={bundle}"], project)
        page: BrowserPage = request.getfixturevalue("page")
        asked = json.dumps({"world": described, "cases": cases_for(phase, kind)}).encode()
        found = page.open('import "/cases.js";', {"/cases.js": bundle.read_bytes(), "/cases": asked})
        assert "failed" not in cast("Json", found), found
        return Ran(phase, kind, names, cast("Results", found))
    (directory / "world.json").write_text(json.dumps(described), encoding="utf-8")
    (directory / "cases.json").write_text(json.dumps(cases_for(phase, kind)), encoding="utf-8")
    files = [directory / "world.json", directory / "cases.json", output]
    language, how = kind.split("-")
    if language == "python":
        python: Path = request.getfixturevalue("client_python")
        run([python, "-I", ROOT / "clients/python/conformance/run.py", how, *files], directory)
    else:
        project = request.getfixturevalue("node_project")
        run(["node", "run.mjs", how, *files], project, NODE_EXTRA_CA_CERTS=str(world.authority))
    return Ran(phase, kind, names, json.loads(output.read_text(encoding="utf-8")))


_KEPT: dict[str, Ran] = {}


def test_every_case_gives_what_is_expected(ran: Ran) -> None:
    found: list[str] = []
    assert set(ran.results) == {case["name"] for case in cases_for(ran.phase, ran.kind)}
    is_http = ran.kind in {"node-http", "browser"}
    for case in (case for case in all_cases() if case["name"] in ran.results):
        name = str(case["name"])
        known = dict(ran.names)
        for number, (step, result) in enumerate(
            zip(cast("list[Json]", case["steps"]), ran.results[name], strict=True), start=1
        ):
            found += [f"{name}, step {number}: {result}"] * ("crashed" in result)
            expected = dict(cast("Json", (step.get("expect_http") if is_http else None) or step["expect"]))
            milliseconds = expected.pop("$ms", None)
            found += [f"{name}, step {number}{fault}" for fault in faults(expected, result, known)]
            if milliseconds is not None:
                found += [f"{name}, step {number}{fault}" for fault in faults(milliseconds, result["ms"], known, ".ms")]
            if "save" in step:
                known[str(step["save"])] = result.get("ok")
    if ran.phase == READING:
        _KEPT[ran.kind] = ran
    assert not found, "\n".join(found)


def test_all_clients_give_the_same() -> None:
    """Field by field, of the cases that only read."""
    if not _KEPT:
        pytest.skip("nothing ran")
    reading = [str(case["name"]) for case in all_cases() if "writes" not in case]
    for one, other in pairwise(_KEPT.values()):
        for name in reading:
            if name in one.results and name in other.results and not differs_by_transport(name):
                mine, theirs = (comparable(item.results[name]) for item in (one, other))
                assert mine == theirs, f"{name}: {one.kind} and {other.kind} differ"


def differs_by_transport(name: str) -> bool:
    case = next(case for case in all_cases() if case["name"] == name)
    return any(
        "expect_http" in step or "$any" in json.dumps(step["expect"]) for step in cast("list[Json]", case["steps"])
    )


def comparable(value: object) -> object:
    """Without what differs between two answers, and with numbers as exact as float32 is."""
    if isinstance(value, dict):
        return {
            key: sorted(item) if key == "classes" else comparable(item)
            for key, item in value.items()
            if key not in VOLATILE
        }
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def test_the_cases_cover_the_table_and_every_reason_that_a_gateway_gives() -> None:
    rows = {case["row"] for case in all_cases() if "row" in case}
    assert rows == set(range(1, 13))
    text = CASES.read_text(encoding="utf-8")
    reasons = {row.reason for table in (ERRORS, ACCESS_ERRORS, ADMIN_ERRORS) for row in table.values()}
    assert {reason for reason in reasons if f'"{reason}"' not in text and f' {reason}"' not in text} == set()
