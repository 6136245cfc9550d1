"""`moodfeed moods`, on a tiny bundle on disk."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.subcommands import app
from tests.tiny_bundle import write_servable_tiny_bundle


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    write_servable_tiny_bundle(tmp_path)
    return tmp_path


def run(bundles: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["moods", "--bundles", str(bundles), *words], input=typed, env={"COLUMNS": "160"})


def test_a_mood_is_told_with_what_it_means_and_its_nearest_posts(bundles: Path) -> None:
    shown = run(bundles, "calm, not sad", "--posts", "2").stdout
    for words in ("wanted      calm (1)", "avoided     sadness (1)", "language    english", "sad: sadness, avoided"):
        assert words in shown
    assert "valence     +0.60, arousal -0.80" in shown
    assert shown.count("post ") - shown.count("Nearest posts") >= 2
    assert "by mood" in shown


def test_what_says_nothing_about_a_mood_is_told_as_such(bundles: Path) -> None:
    shown = run(bundles, "12345").stdout
    assert "the text says nothing about a mood" in shown
    assert "Nearest posts" not in shown


def test_without_a_mood_each_line_is_one(bundles: Path) -> None:
    shown = run(bundles, "--posts", "0", typed="calm\n\ntriste\n").stdout
    assert "mood        calm" in shown
    assert "mood        triste" in shown
    assert shown.count("mood  ") == 2


def test_a_mood_that_is_too_long_is_refused(bundles: Path) -> None:
    result = run(bundles, "x" * 513)
    assert result.exit_code == 1
    assert "mood has 513 code points, at most 512 are allowed" in result.stderr
