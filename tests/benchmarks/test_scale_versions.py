"""Working copies that are measured beside one another."""

from pathlib import Path

import pytest

from benchmarks.scale import versions


@pytest.mark.parametrize("copies", [("one/moodfeed", "two/moodfeed"), ("now",), ("moodfeed", "moodfeed again")])
def test_copies_that_cannot_be_told_apart_are_refused(
    copies: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["versions", *(str(tmp_path / name) for name in copies)])
    with pytest.raises(SystemExit) as ended:
        versions.main()
    assert ended.value.code == 2
    assert "give each another one" in capsys.readouterr().err
