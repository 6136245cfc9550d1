"""The past as it was, in batches.

Each example is a person's first meeting with a post, seen with the history before it and with the posts' popularity as
it stood at a snapshot some days earlier, because a bundle serves until the next one is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.dataset import Dataset
from pipeline.training_config import TrainingConfig
from two_tower.features import numeric_features, window_histories
from two_tower.model import HistoryTensors, TowerConfig, history_tensors


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples that share a snapshot, and the posts that stand in for the catalogue beside their targets."""

    history: HistoryTensors  # rows point into history_posts
    history_posts: tuple[Tensor, Tensor, Tensor]  # text, category rows, post rows
    targets: Tensor  # [batch] post rows
    strengths: Tensor  # [batch]
    weights: Tensor  # [batch]
    candidates: tuple[Tensor, Tensor, Tensor]  # text, category rows, post rows [candidates]; the targets come first
    numeric: Tensor  # [candidates, features]
    log_expected: Tensor  # [candidates] log of how often sampling is expected to bring the candidate into a batch


class Examples:
    """Turns a dataset into batches of examples that share a snapshot."""

    def __init__(
        self,
        dataset: Dataset,
        config: TrainingConfig,
        tower_config: TowerConfig,
        *,
        device: str,
        random: np.random.Generator,
    ) -> None:
        self.dataset = dataset
        self.config = config
        self.history_length = tower_config.history_length
        self.device = device
        self.text = torch.from_numpy(dataset.text).to(device)
        self.category_rows = torch.from_numpy(dataset.category_rows).to(device)
        first_day = float(dataset.event_days[0]) if len(dataset.event_days) else 0.0
        self.snapshots = np.arange(first_day, dataset.end_day + config.snapshot_days, config.snapshot_days)
        self.numeric = [
            torch.from_numpy(
                numeric_features(
                    day,
                    event_rows=dataset.event_posts,
                    event_days=dataset.event_days,
                    created_days=dataset.created_days,
                    category_rows=dataset.category_rows,
                    category_count=tower_config.category_count,
                )
            ).to(device)
            for day in self.snapshots
        ]
        self.weights = (0.5 + dataset.pairs.strengths) * np.exp(
            (dataset.pairs.days - dataset.end_day) / config.forgetting_days
        ).astype(np.float32)
        order = random.permutation(len(dataset.pairs))
        held_out = round(config.validation_share * len(order))
        self.validation_rows = np.sort(order[:held_out])
        self.training_rows = np.sort(order[held_out:])

    def batches(self, rows: NDArray[np.int64], random: np.random.Generator) -> Iterator[Batch]:
        """Give each example a snapshot up to ``serving_days`` before it, and cut the snapshots into batches."""
        lags = random.uniform(0, self.config.serving_days, size=len(rows))
        days = self.dataset.pairs.days[rows] - lags
        snapshot_of = np.clip(np.searchsorted(self.snapshots, days, side="right") - 1, 0, None)
        batches: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = []
        for snapshot in np.unique(snapshot_of):
            chosen = random.permutation(rows[snapshot_of == snapshot])
            targets = self.dataset.pairs.post_rows[chosen]
            frequency = np.bincount(targets, minlength=len(self.dataset.post_ids)) / len(chosen)
            pieces = max(1, round(len(chosen) / self.config.batch_size))
            batches.extend((int(snapshot), piece, frequency) for piece in np.array_split(chosen, pieces))
        for position in random.permutation(len(batches)):
            yield self._batch(*batches[position], random=random)

    def _batch(
        self, snapshot: int, rows: NDArray[np.int64], frequency: NDArray[np.float64], *, random: np.random.Generator
    ) -> Batch:
        pairs = self.dataset.pairs
        targets = pairs.post_rows[rows]
        exists = np.flatnonzero(self.dataset.created_days <= self.snapshots[snapshot] + self.config.serving_days)
        negatives = random.choice(exists, size=min(self.config.uniform_negatives, len(exists)), replace=False)
        expected = frequency * len(rows)
        expected[exists] += len(negatives) / max(len(exists), 1)
        candidates = np.concatenate([targets, negatives])

        # A bundle's histories end when it is made, so some examples see nothing newer than their snapshot; the others
        # see all that came before, so that the order within one sitting is learnt too.
        is_live = random.random(len(rows)) < self.config.live_share
        ends = np.where(is_live, rows, self._ends_before(self.snapshots[snapshot], pairs.user_rows[rows]))
        history = window_histories(
            pairs.offsets[pairs.user_rows[rows]],
            np.minimum(ends, rows),
            pairs.days[rows],
            rows=pairs.post_rows,
            verbs=pairs.verbs,
            strengths=pairs.strengths,
            days=pairs.days,
            length=self.history_length,
        )
        history_rows, local_rows = np.unique(history.rows, return_inverse=True)
        tensors = history_tensors(replace(history, rows=local_rows.reshape(history.rows.shape)), self.device)
        return Batch(
            history=tensors,
            history_posts=self._contents(history_rows),
            targets=self._tensor(targets),
            strengths=self._tensor(pairs.strengths[rows]),
            weights=self._tensor(self.weights[rows]),
            candidates=self._contents(candidates),
            numeric=self.numeric[snapshot][self._tensor(candidates)],
            log_expected=self._tensor(np.log(expected[candidates]).astype(np.float32)),
        )

    def _ends_before(self, day: float, user_rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each user's history ends at a moment."""
        is_before = np.concatenate([[0], np.cumsum(self.dataset.pairs.days < day)])
        offsets = self.dataset.pairs.offsets
        ends: NDArray[np.int64] = offsets[user_rows] + is_before[offsets[user_rows + 1]] - is_before[offsets[user_rows]]
        return ends

    def _contents(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        chosen = self._tensor(rows)
        return self.text[chosen], self.category_rows[chosen], chosen

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.device)
