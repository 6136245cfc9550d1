"""The parts of the benchmark beside serving, at sizes that take seconds."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import growth, peers
from benchmarks.growth import growth_rows, measure_growth, write_growth_plot
from benchmarks.measure import Bench
from benchmarks.peers import measure_beside
from benchmarks.report import as_markdown, write_json, write_plots
from benchmarks.rows import Row, in_turns, rows_as_markdown
from benchmarks.searching import overlap
from tests.benchmarks.test_benchmarks import machine


@pytest.mark.parametrize(
    ("row", "is_met"),
    [
        (Row("", 2.0, 1.0, "ms", "", at_most=2.0), True),
        (Row("", 2.1, 1.0, "ms", "", at_most=2.0), False),
        (Row("", 6.0, 1.0, "ms", "", at_least=6.0), True),
        (Row("", 5.9, 1.0, "ms", "", at_least=6.0), False),
        (Row("", 5.9, 1.0, "ms", ""), None),
        (Row("", float("nan"), 1.0, "ms", "", at_most=2.0), False),
    ],
)
def test_a_goal_is_met_on_its_side_only(row: Row, is_met: bool | None) -> None:
    assert row.is_met is is_met
    text = rows_as_markdown("Title", [row])
    assert ("**missed**" in text, "met" in text.split()) == (is_met is False, is_met is True)


def test_actions_take_turns_over_rounds() -> None:
    heard: list[str] = []
    in_turns(lambda call: heard.append(f"a{call}"), lambda call: heard.append(f"b{call}"), calls=2, rounds=2)
    assert heard == ["a0", "a1", "b0", "b1"] * 2


def test_overlap_is_the_share_of_the_exact_that_was_found() -> None:
    exact = np.array([[1, 2], [3, 4]])
    assert overlap(exact, exact) == 1.0
    assert overlap(np.array([[2, 9], [-1, -1]]), exact) == 0.25


@pytest.fixture
def place(tmp_path: Path) -> Path:
    vectors = np.random.default_rng(0).standard_normal((500, 8), dtype=np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "queries.npy", vectors[:5])
    return tmp_path


def test_a_peer_answers_from_its_own_process_round_by_round(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PYTHON", Path(sys.executable))
    calls: list[int] = []
    ours, (peer,) = measure_beside(["numpy"], place, calls.append, count=5, rounds=3)
    vectors = np.load(place / "vectors.npy")
    assert overlap(peer.found, np.argsort(-(vectors[:5] @ vectors.T), axis=1)[:, :10]) == 1.0
    assert calls == [*range(5)] * 3
    assert 0 < ours < peer.seconds < 1


def test_a_peer_that_cannot_run_is_named_with_its_reason(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PYTHON", Path(sys.executable))
    _, found = measure_beside(["hnswlib", "usearch"], place, lambda _: None, count=5, rounds=1)
    assert ["ModuleNotFoundError" in peer.cannot for peer in found] == [True, True]
    monkeypatch.setattr(peers, "PYTHON", place / "nowhere")
    _, (absent,) = measure_beside(["numpy"], place, lambda _: None, count=5, rounds=1)
    assert "is missing: `make bench` makes it" in absent.cannot


def test_the_index_is_measured_beside_its_floors_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "nowhere")
    steps: list[str] = []
    bench = Bench(rounds=1, seconds=0.2, posts=20_000, on_step=steps.append)
    bench.run("index", tmp_path)
    recall = next(row for row in bench.tables["The index"] if row.what.startswith("recall"))
    assert recall.measured == 1.0  # so few posts are searched exactly
    assert "export and publish" in steps
    text = as_markdown(machine(), bench)
    assert "## The index" in text
    assert text.count("is missing") == 6
    write_json(machine(), bench, tmp_path / "bench.json")
    assert '"recall@10 of that"' in (tmp_path / "bench.json").read_text(encoding="utf-8")
    assert write_plots(bench, tmp_path) == []


def test_growth_compares_the_largest_with_the_smallest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "STARTS", 1)
    few, many = measure_growth(tmp_path, [2_000, 2_500], rounds=1, seconds=0.3)
    assert (few.posts, many.posts) == (2_000, 2_500)
    assert many.vectors == 2_500 * (64 * 4 + 384 * 2)
    assert many.resident > 50e6
    rows = growth_rows([few, many])
    assert rows[0].ratio == pytest.approx(many.feed_p50 / few.feed_p50)
    assert rows[2].measured == many.start
    write_growth_plot([few, many], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
