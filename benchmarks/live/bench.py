"""What every figure is measured with: a scratch directory, the sizes, and somebody who hears what goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.results import Found


@dataclass(frozen=True, slots=True)
class Bench:
    """``scratch`` is an empty directory that other users may enter. With ``is_quick`` sizes are those of a test.

    ``bundles`` keeps synthetic bundles for all figures of a run. ``microlens`` is the workspace of the imported
    MicroLens data; ``may_train`` allows what takes half an hour.
    """

    scratch: Path
    bundles: Path
    is_quick: bool
    say: Callable[[str], None]
    microlens: Path
    may_train: bool = False

    def pick(self, whole: int, quick: int) -> int:
        """The size of a measurement."""
        return quick if self.is_quick else whole

    def synthetic_bundle(self, *, posts: int = 10_000, users: int = 2_000) -> Path:
        """The root of a synthetic bundle of four categories, each with a fifth of the posts; a quick one has fewer."""
        from benchmarks.synthetic import Size, write_synthetic_bundle  # it loads torch

        posts, users = self.pick(posts, 1_000), self.pick(users, min(users, 1_000))
        root = self.bundles / f"{posts}-posts-{users}-users"
        if not root.exists():
            write_synthetic_bundle(root, Size(posts=posts, users=users, categories=4, category_posts=posts // 5))
        return root


Measure = Callable[[Bench], Found]
"""The module of a figure; LeftOutError if it cannot be measured here."""
