import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundle.directory import current_bundle, open_bundle, point_current_at, write_bundle
from bundle.file_names import REPORT
from cli.__main__ import main
from cli.subcommands import app


def ask(*arguments: str | Path) -> list[str]:
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bundles: Path) -> str:
    monkeypatch.setattr(sys, "argv", ["moodfeed", "report", "--bundles", str(bundles)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_it_prints_path_and_url_of_the_current_bundles_report(small_bundles: Path) -> None:
    page = current_bundle(small_bundles) / REPORT
    assert page.is_file()
    assert ask("--bundles", small_bundles) == [str(page), page.as_uri()]


def test_it_needs_neither_torch_nor_what_made_the_report(small_bundles: Path) -> None:
    program = (
        "import sys; from cli.subcommands import app; app(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'transformers', 'matplotlib', 'pandas'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "report", "--bundles", small_bundles],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_output_copies_the_page_and_its_plots(small_bundles: Path, tmp_path: Path) -> None:
    copy = tmp_path / "new" / "folder"
    assert ask("--bundles", small_bundles, "--output", copy)[0] == str(copy / "report.html")
    source = (current_bundle(small_bundles) / REPORT).parent
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in source.iterdir()
    }


@pytest.mark.parametrize(("has_browser", "exit_code"), [(True, 0), (False, 1)])
def test_open_shows_it_in_the_browser_and_says_if_there_is_none(
    small_bundles: Path, monkeypatch: pytest.MonkeyPatch, has_browser: bool, exit_code: int
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or has_browser)
    result = CliRunner().invoke(app, ["report", "--open", "--bundles", str(small_bundles)])
    assert result.exit_code == exit_code
    assert opened == [(current_bundle(small_bundles) / REPORT).as_uri()]


def test_without_a_bundle_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "make one with `moodfeed export`" in refusal(monkeypatch, capsys, tmp_path)


def test_a_bundle_without_a_report_says_what_to_do(
    small_bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = open_bundle(current_bundle(small_bundles)).manifest
    older = write_bundle(tmp_path, manifest, write_files=lambda directory: (directory / "one.bin").touch(), sidecar={})
    point_current_at(tmp_path, older.name)
    message = refusal(monkeypatch, capsys, tmp_path)
    assert "made without a report" in message
    assert "moodfeed export" in message
