"""The weights of the order by user, in units that mean the same for every training."""

from dataclasses import dataclass

import numpy as np

from bundle.blend import Blend
from pipeline.dataset import LONG_HISTORY, Dataset

_SMALLEST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """As bundle.blend.Blend, but ``tower`` counts spreads: the standard deviation of a person's scores over the posts.

    So the weights mean the same for every training.
    """

    popularity: float = 1.0
    tower: float = 0.2
    tower_history: float = 3.0
    lasting: float = 0.6
    category: float = 1.0
    followers: float = 0.3
    order: float = 0.3

    def blend(self, spread: float) -> Blend:
        """The weights for towers whose scores have a spread."""
        return Blend(
            popularity=self.popularity,
            tower=float(f"{self.tower / max(spread, _SMALLEST_SPREAD):.3g}") if self.popularity else 1.0,
            tower_history=self.tower_history,
            lasting=self.lasting,
            category=self.category,
            followers=self.followers,
            order=self.order,
        )


DEFAULT = BlendWeights()
LONG_HISTORIES = BlendWeights(tower=8.0)
"""Where people have met many posts, the tower knows them, and popularity drowns it (docs/quality.md)."""
TOWER_ALONE = BlendWeights(popularity=0.0, tower=1.0, tower_history=0.0)


def default_weights(dataset: Dataset) -> BlendWeights:
    """The weights before anything is chosen: without a clock nobody knows what is popular now, so the tower ranks."""
    if not dataset.has_clock:
        return TOWER_ALONE
    lengths = np.diff(dataset.pairs.offsets)
    return LONG_HISTORIES if np.median(lengths[lengths > 0]) >= LONG_HISTORY else DEFAULT
