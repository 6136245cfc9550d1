"""What every figure is measured with: a scratch directory, the sizes, and somebody who hears what goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.results import Found


@dataclass(frozen=True, slots=True)
class Bench:
    """``scratch`` is an empty directory that other users may enter. With ``is_quick`` sizes are those of a test.

    ``microlens`` is the workspace of the imported MicroLens data; ``may_train`` allows what takes half an hour.
    """

    scratch: Path
    is_quick: bool
    say: Callable[[str], None]
    microlens: Path
    may_train: bool = False

    def pick(self, whole: int, quick: int) -> int:
        """The size of a measurement."""
        return quick if self.is_quick else whole

    def bundles(self, name: str = "bundles", *, posts: int = 10_000, users: int = 2_000) -> Path:
        """A new synthetic bundle of four categories; a quick one is a tenth as large."""
        from benchmarks.synthetic import Size, write_synthetic_bundle  # it loads torch

        root = self.scratch / name
        posts, users = self.pick(posts, max(posts // 10, 200)), self.pick(users, max(users // 10, 50))
        write_synthetic_bundle(root, Size(posts=posts, users=users, categories=4, category_posts=posts // 5))
        return root


Measure = Callable[[Bench], Found]
"""The module of a figure; LeftOutError if it cannot be measured here."""
