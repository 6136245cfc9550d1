"""Runs the parts of the benchmark and keeps their figures."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import faiss

from benchmarks.encoding import encoder_rows
from benchmarks.growth import Point, growth_rows, measure_growth
from benchmarks.rows import Row
from benchmarks.searching import export_row, make_posts, peer_rows, search_rows
from benchmarks.serving import Measured, measure_serving

PEER_POSTS, PEER_QUERIES = 100_000, 30
EXPORT_SECONDS = 180.0
_BYTES_A_POST = 2_000  # in a bundle, a generous estimate


@dataclass(slots=True)
class Bench:
    """Measures one part at a time and keeps the figures; ``posts`` is the size of the largest index."""

    rounds: int
    seconds: float
    posts: int
    on_step: Callable[[str], None]
    serving: list[Measured] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    growth: list[Point] = field(default_factory=list)

    def run(self, part: str, scratch: Path) -> None:
        """Measure one part; ``scratch`` is an empty directory. Raises OSError if its disk is too small."""
        {
            "serving": self._serving,
            "encoder": self._encoder,
            "index": self._index,
            "growth": self._growth,
        }[part](scratch)

    def _serving(self, scratch: Path) -> None:
        def on_row(turn: int, name: str) -> None:
            self.on_step(f"{'warming' if not turn else f'round {turn} of {self.rounds}'}, {name}")

        self.serving = measure_serving(scratch, rounds=self.rounds, seconds=self.seconds, on_row=on_row)

    def _encoder(self, scratch: Path) -> None:
        self.on_step("the encoder")
        self.tables["The encoder"] = encoder_rows(rounds=self.rounds)

    def _index(self, scratch: Path) -> None:
        faiss.omp_set_num_threads(1)
        category = self.posts // 50
        self.on_step(f"an index of {self.posts:,} posts")
        posts = make_posts([category] * 50)
        self.on_step("searches beside floors")
        rows = search_rows(posts, category, calls=150, rounds=self.rounds)
        self.on_step("export and publish")
        rows.append(export_row(posts, EXPORT_SECONDS))
        self.tables["The index"] = rows
        del posts
        count = min(PEER_POSTS, self.posts)
        self.on_step("other engines")
        self.tables[f"Other engines, {count:,} posts"] = peer_rows(
            count, count // 50, queries=PEER_QUERIES, rounds=self.rounds
        )

    def _growth(self, scratch: Path) -> None:
        needed, free = 2 * self.posts * _BYTES_A_POST, shutil.disk_usage(scratch).free
        if free < needed:
            raise OSError(f"{scratch} has {free >> 20} MiB free, bundles of {self.posts:,} posts need {needed >> 20}")
        sizes = [size for size in (2_000, 10_000, 100_000) if size < self.posts]
        self.growth = measure_growth(
            scratch, [*sizes, self.posts], rounds=self.rounds, seconds=self.seconds / 2, on_step=self.on_step
        )
        self.tables["Growth"] = growth_rows(self.growth)
