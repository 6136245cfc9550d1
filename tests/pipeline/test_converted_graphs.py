import os
from pathlib import Path

import pytest

from pipeline.converted_graphs import VARIABLE, kept_graph


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path / "encoders"


class Conversion:
    """Writes a graph, and counts how often."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, directory: Path) -> None:
        self.runs += 1
        (directory / "graph.xml").write_bytes(b"the graph")


def test_a_graph_is_made_once_for_a_key() -> None:
    conversion = Conversion()
    first, again, other = (kept_graph(key, conversion) for key in ("1", "1", "2"))
    assert first == again != other
    assert conversion.runs == 2
    assert first
    assert (first / "graph.xml").read_bytes() == b"the graph"


@pytest.mark.parametrize("damage", ["broken", "", None])
@pytest.mark.parametrize("name", ["graph.xml", "sha256sums"])
def test_a_damaged_entry_is_made_again(cache: Path, name: str, damage: str | None) -> None:
    conversion = Conversion()
    kept_graph("1", conversion)
    (cache / "1" / name).unlink()
    if damage is not None:
        (cache / "1" / name).write_text(damage, encoding="utf-8")
    again = kept_graph("1", conversion)
    assert again
    assert (again / "graph.xml").read_bytes() == b"the graph"
    assert conversion.runs == 2


def test_nothing_is_kept_of_a_conversion_that_fails(cache: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "graph.xml").write_bytes(b"half")
        raise ValueError("cannot be converted")

    with pytest.raises(ValueError, match="cannot be converted"):
        kept_graph("1", fail)
    assert list(cache.iterdir()) == []


def test_nothing_is_made_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    conversion = Conversion()
    assert kept_graph("1", conversion) is None
    assert conversion.runs == 0


def test_only_the_newest_entries_are_kept(cache: Path) -> None:
    for number in range(10):
        entry = kept_graph(f"{number:x}", Conversion())
        assert entry
        os.utime(entry, (number, number))
    assert sorted(item.name for item in cache.iterdir()) == [f"{number:x}" for number in range(2, 10)]
