"""Choose settings on earlier months, so that the later ones can judge them: no month does both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.dataset import Dataset
from pipeline.ranking import Recommender, measure, rank_targets
from pipeline.splits import MONTH_DAYS, Split, split_at
from pipeline.training_config import TrainingConfig

Learn = Callable[[Split, TrainingConfig, str], Recommender]
"""Train on a split's past with some settings; the last argument names the training."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The settings with the highest mean NDCG@10 over the cases of the months that chose; of equal ones the first."""

    name: str
    config: TrainingConfig
    ndcg_at_10: dict[str, float]
    months: tuple[str, ...]

    @property
    def describes(self) -> str:
        """A phrase that says what was chosen, among what, and on which months."""
        found = ", ".join(f"{name} {mean:.3f}" for name, mean in self.ndcg_at_10.items())
        return (
            f"{self.name} was chosen on the months from {self.months[-1]} to {self.months[0]} (NDCG@10: {found}), "
            "which are not judged"
        )


def halves(splits: Sequence[Split]) -> tuple[tuple[Split, ...], tuple[Split, ...]]:
    """The months that judge and those that choose; ``splits`` are newest first, and the newer half judges."""
    judged = (len(splits) + 1) // 2
    return tuple(splits[:judged]), tuple(splits[judged:])


def choose(
    dataset: Dataset, candidates: Mapping[str, TrainingConfig], splits: Sequence[Split], *, learn: Learn
) -> Choice:
    """Train every candidate on the past of each split, and take the best on the month after it.

    The month ends where the next split begins, so that no target of a month that judges is looked at.
    """
    values: dict[str, list[np.ndarray]] = {name: [] for name in candidates}
    for number, split in enumerate(splits, start=1):
        if split.day is None:
            raise ValueError("settings are chosen on splits by time alone")
        month = split_at(dataset, split.day, test_days=MONTH_DAYS)
        for name, config in candidates.items():
            values[name].append(measure(rank_targets(month, learn(month, config, f"chosen-{number}-{name}"))).ndcg)
    means = {name: float(np.concatenate(found).mean()) for name, found in values.items()}
    best = max(means, key=lambda name: means[name])
    return Choice(best, candidates[best], means, tuple(split.label for split in splits))
