"""Figures beside what they are measured against in the same run, and the goals for their ratios."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Row:
    """Two figures in one unit; ``at_most`` or ``at_least`` is the goal for their ratio, if there is one."""

    what: str
    measured: float
    beside: float
    unit: str
    against: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """``measured`` divided by ``beside``."""
        return self.measured / self.beside if self.beside else float("nan")

    @property
    def is_met(self) -> bool | None:
        """Whether the ratio meets the goal; None without a goal."""
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return None if self.at_least is None else self.ratio >= self.at_least


def in_turns(*actions: Callable[[int], object], calls: int, rounds: int) -> list[float]:
    """Median seconds a call of each action; the actions take turns in each round and get the number of the call."""
    medians: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for action, found in zip(actions, medians, strict=True):
            found.append(median_seconds(action, calls))
    return [float(np.median(found)) for found in medians]


def median_seconds(action: Callable[[int], object], calls: int) -> float:
    """Median seconds of ``calls`` consecutive calls."""
    seconds = []
    for call in range(calls):
        started = time.perf_counter()
        action(call)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def rows_as_markdown(title: str, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table under a heading."""
    lines = [f"## {title}", "", "| | measured | beside | ratio | goal | | beside what |", "|---" * 7 + "|"]
    for row in rows:
        goal = "" if row.at_most is None else f"≤ {row.at_most:g}"
        goal = goal if row.at_least is None else f"≥ {row.at_least:g}"
        verdict = {None: "", True: "met", False: "**missed**"}[row.is_met]
        note = f" ({row.note})" if row.note else ""
        lines.append(
            f"| {row.what}{note} | {row.measured:.4g} {row.unit} | {row.beside:.4g} {row.unit} | {row.ratio:.2f} "
            f"| {goal} | {verdict} | {row.against} |"
        )
    return "\n".join([*lines, ""])
