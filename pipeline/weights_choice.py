"""The choice of the blend's weights on months that are over.

The towers' part is small where people's tastes say little beyond the category, and large where they say much: so the
data chooses. Months with few people cannot tell, and then the default stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.blend_weights import DEFAULT, LONG_HISTORIES, TOWER_ALONE, BlendWeights
from pipeline.dataset import Dataset
from pipeline.known_posts import known_at, learn_from
from pipeline.paired_bootstrap import resample
from pipeline.ranking import Recommender, measure, rank_targets
from pipeline.splits import MONTH_DAYS, Split, split_at

_MOST_CASES = 2_000  # of a month, that choose

CANDIDATES: Mapping[str, BlendWeights] = {
    "tower x 0.2": DEFAULT,
    "no tower": BlendWeights(tower=0.0),
    "tower x 0.5": BlendWeights(tower=0.5),
    "tower x 1": BlendWeights(tower=1.0),
    "tower x 2": BlendWeights(tower=2.0),
    "tower x 4": BlendWeights(tower=4.0),
    "tower x 8": LONG_HISTORIES,
    "tower x 2 of long histories": BlendWeights(tower=2.0, tower_history=20.0),
    "tower alone": TOWER_ALONE,
}
"""What the data chooses among. Its default stays unless another one is ahead of it beyond chance."""


@dataclass(slots=True)
class WeightsChoice:
    """Learns from months, oldest first, which weights were best, and chooses for what comes after them."""

    _found: dict[str, list[NDArray[np.float64]]] = field(default_factory=lambda: {name: [] for name in CANDIDATES})
    months: list[str] = field(default_factory=list)

    def learn(self, split: Split, recommender_of: Callable[[BlendWeights], Recommender], dataset: Dataset) -> None:
        """Measure every candidate on the month after a split; the month ends where the next split may begin."""
        if split.day is None:
            return
        month = _of_few(split_at(dataset, split.day, test_days=MONTH_DAYS))
        if not len(month.user_rows):
            return
        known = known_at(month)
        for name, weights in CANDIDATES.items():
            recommender = learn_from(month, known, lambda _, weights=weights: recommender_of(weights))  # type: ignore[misc]
            self._found[name].append(measure(rank_targets(month, recommender)).ndcg)
        self.months.append(split.label)

    def best(self, default: BlendWeights) -> tuple[str, BlendWeights]:
        """The name and the weights of the candidate with the highest mean, if it is ahead of the ``default``.

        The default is one of the candidates, and is the answer without a month that could choose.
        """
        names, first = list(CANDIDATES), list(CANDIDATES.values()).index(default)
        if not self.months:
            return names[first], default
        values = np.stack([np.concatenate(self._found[name]) for name in names], axis=1)  # [cases, candidates]
        months = np.repeat(np.arange(len(self.months)), [len(found) for found in self._found[names[first]]])
        best = int(values.mean(axis=0).argmax())
        if best != first and resample(values[:, [best, first]], months).difference(0, 1).low <= 0:
            best = first
        return names[best], CANDIDATES[names[best]]

    def describes(self, default: BlendWeights) -> str:
        """A phrase that says which weights ``best`` gives, and on which months they were chosen."""
        name = self.best(default)[0]
        if not self.months:
            return f"{name}, the default, as no earlier month could choose"
        return f"{name}, chosen on the months from {self.months[0]} to {self.months[-1]}"


def _of_few(split: Split) -> Split:
    """The split with at most so many test users as choose quickly, evenly spaced."""
    count = len(split.user_rows)
    if count <= _MOST_CASES:
        return split
    kept = np.linspace(0, count - 1, _MOST_CASES).astype(np.int64)
    return replace(split, user_rows=split.user_rows[kept], targets=tuple(split.targets[place] for place in kept))
