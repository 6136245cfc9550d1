"""`moodfeed import` on the command line: what it says, and what it refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import main
from cli.subcommands import app
from pipeline.foreign.errors import ImportSourceError
from pipeline.tables import read_interactions, read_users

EVENTS = "who,what,deed,when\nanna,p1,purchase,1758348933\nanna,p2,watch,1758348934\n"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(EVENTS, encoding="utf-8")
    return path


def moodfeed_import(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)], catch_exceptions=True)


NAMED = ("--user-column", "who", "--post-column", "what", "--time-column", "when", "--verb-column", "deed")


def test_the_columns_are_shown_before_they_are_used(events: Path, tmp_path: Path) -> None:
    result = moodfeed_import(events, *NAMED, "--verb", "purchase=inspire", "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert result.output.index("user         who\n") < result.output.index("import: done")
    assert "(guessed)" not in result.output
    assert read_interactions(tmp_path / "data" / "clean")["verb"].tolist() == ["inspire", "view"]


def test_a_dry_run_writes_nothing(events: Path, tmp_path: Path) -> None:
    result = moodfeed_import(events, *NAMED, "--verb", "view", "--dry-run", "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert "Would be imported" in result.output
    assert not (tmp_path / "data").exists()


def test_a_set_without_times_says_what_follows(events: Path, tmp_path: Path) -> None:
    result = moodfeed_import(
        events, "--user-column", "who", "--post-column", "what", "--time-column", "", "--data", tmp_path / "data"
    )
    assert "trends and ages are off" in " ".join(result.output.split())


def test_a_format_that_does_not_exist_is_wrong_usage(events: Path) -> None:
    result = moodfeed_import(events, "--format", "excel")
    assert result.exit_code == 2
    assert "'excel' is not one of tables, recbole," in " ".join(result.output.replace("│", "").split())


def test_imported_and_fetched_rows_are_kept_apart(events: Path, tmp_path: Path) -> None:
    (tmp_path / "raw.sqlite").write_bytes(b"")
    result = moodfeed_import(events, *NAMED, "--data", tmp_path)
    assert isinstance(result.exception, ImportSourceError)
    assert "import into another directory with --data OTHER" in str(result.exception)


def test_a_fetch_does_not_replace_imported_tables(events: Path, tmp_path: Path) -> None:
    moodfeed_import(events, *NAMED, "--verb", "view", "--data", tmp_path / "data")
    result = CliRunner().invoke(
        app,
        [
            "fetch",
            "--url",
            "http://127.0.0.1:9",
            "--flic-token",
            "x",
            "--resonance-algorithm",
            "x",
            "--data",
            str(tmp_path / "data"),
        ],
    )
    assert isinstance(result.exception, ImportSourceError)
    assert read_users(tmp_path / "data" / "clean")["username"].tolist() == ["anna"]


@pytest.mark.parametrize("best", ["0", "-5", "nan", "inf"])
def test_a_best_rating_that_is_no_number_above_0_is_wrong_usage(events: Path, best: str) -> None:
    assert moodfeed_import(events, *NAMED, "--best-rating", best).exit_code == 2


def test_a_directory_that_cannot_be_made_ends_in_one_line(
    events: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["moodfeed", "import", str(events), *NAMED, "--verb", "view", "--data", str(events)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"error: {events}: Not a directory" in capfd.readouterr().err.replace("\n", "")
