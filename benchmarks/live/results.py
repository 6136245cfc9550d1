"""What a figure came out as, with the bar beside it, and the file of each figure that docs/live.md is written from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.whole_files import write_whole_text


class LeftOutError(Exception):
    """A figure cannot be measured here: says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measured number in ``unit``; ``at_most`` or ``at_least`` is its bar, ``goal`` what is hoped for beyond it."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    goal: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the value is on the right side of the bar; None without a bar, False for what is no number."""
        if self.at_most is None and self.at_least is None:
            return None
        if math.isnan(self.value):
            return False
        return not (
            (self.at_most is not None and self.value > self.at_most)
            or (self.at_least is not None and self.value < self.at_least)
        )


@dataclass(frozen=True, slots=True)
class Table:
    """More numbers than have bars: a row of words for each row of the table."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the module of a figure measured.

    ``how`` says in a few sentences what was done. ``curves`` are numbers to plot, by their label.
    """

    how: str
    lines: tuple[Line, ...]
    tables: tuple[Table, ...] = ()
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with where and when it was measured; ``left_out`` says why it has no lines, empty if it has."""

    name: str
    title: str
    machine: str
    commit: str
    measured_at: str
    load_average: float
    seconds: float
    is_quick: bool = False
    left_out: str = ""
    found: Found | None = None

    def write(self, directory: Path) -> Path:
        """Write it to the file of its name, in one step."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        write_whole_text(path, _FIGURE.dump_json(self, indent=2).decode() + "\n")
        return path


_FIGURE = TypeAdapter(Figure)


def read_figures(directory: Path) -> dict[str, Figure]:
    """The figures of a directory by name; ValueError if a file is none."""
    return {path.stem: _FIGURE.validate_json(path.read_bytes()) for path in sorted(directory.glob("*.json"))}
