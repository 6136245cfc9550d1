"""The figures of the living feed, at the sizes of --quick: what they count is right, whatever the clock says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.live import (
    durable_writes,
    feeds_beside_writes,
    kills,
    people_memory,
    reflection,
    replay,
    served_memory,
    store_down,
    trending,
)
from benchmarks.live.__main__ import app
from benchmarks.live.bench import Bench
from benchmarks.live.figures import FIGURES
from benchmarks.live.page import BEGIN, END, NoFiguresError, as_markdown, write_page
from benchmarks.live.plots import write_plot
from benchmarks.live.results import Figure, Found, Line, Table, read_figures
from benchmarks.live.sample_worlds import month_of
from pipeline.dataset import read_dataset
from pipeline.live_evaluation.ranks import OUT_OF_REACH
from pipeline.workspace import Workspace


def values(found: Found) -> dict[str, float]:
    return {line.what: line.value for line in found.lines}


FIGURE = Figure(
    name="reflection",
    title="What was acknowledged is reflected",
    machine="a processor, 2 cores",
    commit="abc1234",
    measured_at="2026-01-01 10:00",
    load_average=0.5,
    seconds=12.3,
    found=Found(
        how="So it was done.",
        lines=(
            Line("p99", 250.0, "ms", at_most=1000, goal=200),
            Line("share", 0.87, at_least=0.9, note="87 of 100"),
            Line("p50", 12.345, "ms"),
        ),
        tables=(Table(("what", "all"), (("live feed", ".123"),)),),
        curves={"SQLite": (0.01, 0.02)},
    ),
)


@pytest.mark.parametrize(
    ("line", "is_met"),
    [
        (Line("", 1.0, at_most=1), True),
        (Line("", 1.1, at_most=1), False),
        (Line("", 0.9, at_least=0.9), True),
        (Line("", 0.8, at_least=0.9), False),
        (Line("", float("nan"), at_least=0.9), False),
        (Line("", float("inf"), at_most=1), False),
        (Line("", 5.0), None),
    ],
)
def test_a_line_knows_its_side_of_the_bar(line: Line, is_met: bool | None) -> None:
    assert line.is_met is is_met


def test_a_figure_is_read_as_it_was_written(tmp_path: Path) -> None:
    left_out = replace(FIGURE, name="trending", found=None, left_out="there are no trends")
    for figure in (FIGURE, left_out):
        figure.write(tmp_path)
    assert read_figures(tmp_path) == {"reflection": FIGURE, "trending": left_out}


def test_the_page_says_first_what_falls_short_and_names_what_was_not_measured() -> None:
    text = as_markdown({"reflection": FIGURE, "trending": replace(FIGURE, found=None, left_out="there are no trends")})
    short, _, rest = text.partition("### ")
    assert "share is 0.87, bar ≥ 0.9" in short
    assert "p99" not in short
    assert f"- {FIGURES['trending'].title}: there are no trends" in short
    assert f"- {FIGURES['kills'].title}: not measured" in short
    assert "| p99 | 250 ms | ≤ 1,000 ms (goal 200) | met |  |" in rest
    assert "| share | 0.87 | ≥ 0.9 | **missed** | 87 of 100 |" in rest
    assert "| live feed | .123 |" in rest
    assert "commit abc1234" in rest
    assert "](live.png)" in text
    assert all(entry.title in rest for entry in FIGURES.values())


def test_quick_numbers_never_come_into_the_page() -> None:
    with pytest.raises(NoFiguresError, match="--quick"):
        as_markdown({"reflection": replace(FIGURE, is_quick=True)})


def test_the_page_is_written_between_its_marks_and_a_page_without_them_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"a\n{BEGIN}\nold\n{END}\nb\n", encoding="utf-8")
    write_page("new", page)
    assert page.read_text(encoding="utf-8") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(NoFiguresError, match="no part between"):
        write_page("new", page)


def test_what_has_curves_is_drawn(tmp_path: Path) -> None:
    write_plot({"trending": replace(FIGURE, found=None)}, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
    bars = replace(FIGURE, found=replace(FIGURE.found, curves={"live feed": (0.2, 0.1, 0.3)}))
    names = ("reflection", "feeds-beside-writes", "visible-posts", "searches-beside-posts")
    write_plot(dict.fromkeys(names, FIGURE) | {"replay": bars}, tmp_path / "live.png")
    assert (tmp_path / "live.png").read_bytes().startswith(b"\x89PNG")


def test_every_write_is_reflected_at_once_and_elsewhere(bench: Bench) -> None:
    found = values(reflection.measure(bench))
    assert found["reflected at once, same gateway: SQLite, quiet"] == 100
    assert 0 < found["reflected elsewhere, p99: SQLite, quiet"] < float("inf")


def test_after_kills_the_account_is_clean(bench: Bench) -> None:
    found = kills.measure(bench)
    assert {line.value for line in found.lines if line.at_most == 0} == {0}
    assert "rows" in found.lines[0].note


def test_while_the_store_is_locked_feeds_go_on(bench: Bench) -> None:
    found = values(store_down.measure(bench))
    what = "SQLite locked by another process"
    assert found[f"{what}: feeds that failed"] == 0
    assert found[f"{what}: slowest refusal"] > 0
    assert found[f"{what}: writes refused otherwise than UNAVAILABLE STORE_UNAVAILABLE"] == 0
    assert found[f"{what}: acknowledged rows lost, doubled or taken again"] == 0


def test_feeds_are_counted_with_and_without_writes(bench: Bench) -> None:
    found = feeds_beside_writes.measure(bench)
    assert {label: len(rates) for label, rates in found.curves.items()} == {"SQLite, without": 1, "SQLite, with": 1}
    failed = [value for what, value in values(found).items() if what.startswith("feeds failed or wrong meanwhile")]
    assert failed == [0, 0]  # of many people, and of few who ask again and again


def test_nothing_that_was_shown_comes_again_through_two_gateways(bench: Bench) -> None:
    found = served_memory.measure(bench)
    assert found.lines[0].value == 0
    assert "3 people, 18 of 18 feeds, 180 posts" in found.lines[0].note
    assert found.lines[-1].value == 100


def test_a_month_is_replayed_and_its_trends_are_those_of_the_live_evaluation(
    bench: Bench, small_workspace: Workspace, tmp_path: Path
) -> None:
    dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    held_out = month_of(dataset, tmp_path / "bundles", bench)
    served, of_bundle = trending.compare(held_out, tmp_path / "trends", bench)[:, :2].swapaxes(0, 1)
    is_session = np.isfinite(served)
    assert is_session.any()
    same = np.isclose(served[is_session], of_bundle[is_session])
    assert same.mean() > 0.9  # posts that equally many met may change places
    replayed = replay.replay(held_out, tmp_path / "replay", bench)
    assert replayed.without_feed == (0, 0)
    found = replay.found_of([replayed], "")
    assert {row[0] for row in found.tables[0].rows} == set(replay.ROWS)
    assert all(0 <= mean <= 1 for mean, _, _ in found.curves.values())


def test_the_place_of_a_post_is_its_own_or_out_of_reach() -> None:
    assert replay.places_of([30, 10, 99], [10, 20, 30]).tolist() == [2, 0, OUT_OF_REACH]


def test_memory_grows_with_the_people(bench: Bench) -> None:
    found = people_memory.measure(bench)
    assert all(line.value > 0 for line in found.lines)
    assert len(found.lines) == 5


def test_a_result_is_written_for_what_is_left_out_and_what_failed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Bench) -> Found:
        raise OSError("no space left")

    monkeypatch.setattr(durable_writes, "measure", fails)
    words = ["--quick", "--output", str(tmp_path), "--microlens", str(tmp_path / "none")]
    done = CliRunner().invoke(app, [*words, "--only", "cold-people", "--only", "durable-writes"])
    assert done.exit_code == 1, done.output
    left_out, failed = (read_figures(tmp_path)[name].left_out for name in ("cold-people", "durable-writes"))
    assert "moodfeed import" in left_out
    assert failed == "failed: OSError: no space left"
    assert CliRunner().invoke(app, ["--only", "nothing"]).exit_code == 2
