"""Batches of training examples, each with the past as it was at the time.

An example is a user's first interaction with a post, with the history before it and the posts' popularity at a snapshot
some days earlier, because a bundle serves until the next one is made.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.dataset import Dataset
from pipeline.training_config import TrainingConfig
from two_tower.features import Histories, window_histories
from two_tower.model import HistoryTensors, PostTensors, history_tensors


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples that share a snapshot, with their candidates: the targets, and negatives drawn from the catalogue."""

    user_rows: Tensor  # [batch]
    history: HistoryTensors  # rows point into posts
    posts: PostTensors  # the candidates and the posts of the histories
    candidates: Tensor  # [candidates] rows in posts: the targets and the negatives, each once
    labels: Tensor  # [batch] position of each target among the candidates
    negatives: Tensor  # [batch] position of one random negative among the candidates
    is_known: Tensor  # [batch, candidates] the candidate is in the history, so it is not a negative
    strengths: Tensor  # [batch]
    weights: Tensor  # [batch]
    numeric: Tensor  # [candidates, features]
    log_expected: Tensor  # [candidates] log of the probability that sampling brings the candidate into a batch

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Plan:
    """The examples of a batch, and the snapshot that they share."""

    snapshot: int
    rows: NDArray[np.int64]
    frequency: NDArray[np.float64]  # [posts] share of the snapshot's examples whose target is the post


class Examples:
    """Turns a dataset into batches of examples that share a snapshot."""

    def __init__(
        self,
        dataset: Dataset,
        config: TrainingConfig,
        words: NDArray[np.int64],
        *,
        device: str,
        random: np.random.Generator,
    ) -> None:
        self.dataset = dataset
        self.config = config
        self.device = device
        self.words = torch.from_numpy(words).to(device)
        self.text = torch.from_numpy(dataset.text).to(device)
        self.category_rows = torch.from_numpy(dataset.category_rows).to(device)
        first_day = float(dataset.event_days[0]) if len(dataset.event_days) else 0.0
        self.snapshots = np.arange(first_day, dataset.end_day + config.snapshot_days, config.snapshot_days)
        self.numeric = [torch.from_numpy(dataset.numeric(day)).to(device) for day in self.snapshots]
        self.live_share = config.live_share if dataset.has_clock else 1.0
        lengths = np.diff(dataset.pairs.offsets)[dataset.pairs.user_rows]
        ages = dataset.end_day - dataset.pairs.days if dataset.is_timed else 0.0
        forgetting = np.exp(-ages / config.forgetting_days)
        self.weights = ((0.5 + dataset.pairs.strengths) * forgetting / lengths**config.user_balance).astype(np.float32)
        order = random.permutation(len(dataset.pairs))
        held_out = round(config.validation_share * len(order))
        self.validation_rows = np.sort(order[:held_out])
        self.training_rows = np.sort(order[held_out:])

    def plans(self, rows: NDArray[np.int64], random: np.random.Generator) -> list[Plan]:
        """Give each example a snapshot up to ``serving_days`` before it, and cut the snapshots into batches."""
        lags = random.uniform(0, self.config.serving_days, size=len(rows))
        days = self.dataset.pairs.days[rows] - lags
        snapshot_of = np.clip(np.searchsorted(self.snapshots, days, side="right") - 1, 0, None)
        plans: list[Plan] = []
        for snapshot in np.unique(snapshot_of):
            chosen = random.permutation(rows[snapshot_of == snapshot])
            targets = self.dataset.pairs.post_rows[chosen]
            frequency = np.bincount(targets, minlength=len(self.dataset.post_ids)) / len(chosen)
            pieces = max(1, round(len(chosen) / self.config.batch_size))
            plans.extend(Plan(int(snapshot), piece, frequency) for piece in np.array_split(chosen, pieces))
        return [plans[position] for position in random.permutation(len(plans))]

    def batch(self, plan: Plan, random: np.random.Generator) -> Batch:
        """Draw the negatives and the histories of a planned batch."""
        pairs, rows = self.dataset.pairs, plan.rows
        targets = pairs.post_rows[rows]
        is_there = self.dataset.created_days <= self.snapshots[plan.snapshot] + self.config.serving_days
        exists = np.flatnonzero(is_there & self.dataset.is_met if self.config.uniform_negatives_met else is_there)
        drawn = random.choice(exists, size=min(self.config.uniform_negatives, len(exists)), replace=False)
        missing_share = np.full(len(self.dataset.post_ids), 1.0)
        missing_share[exists] -= len(drawn) / max(len(exists), 1)
        candidates = np.union1d(targets, drawn)
        probability = 1 - (1 - plan.frequency[candidates]) ** len(rows) * missing_share[candidates]

        # A bundle's histories end when it is made, so some examples see nothing newer than their snapshot. The others
        # see everything before them, so that the order within a session is learnt too.
        is_live = random.random(len(rows)) < self.live_share
        ends = np.where(is_live, rows, self._ends_before(self.snapshots[plan.snapshot], pairs.user_rows[rows]))
        history = self._history(rows, np.minimum(ends, rows))
        posts = np.union1d(candidates, history.rows)
        candidate_of = np.full(len(posts), -1)
        candidate_of[np.searchsorted(posts, candidates)] = np.arange(len(candidates))
        local_rows = np.searchsorted(posts, history.rows)
        is_known = np.zeros((len(rows), len(candidates)), dtype=np.bool_)
        examples, positions = np.nonzero(history.is_event & (candidate_of[local_rows] >= 0))
        is_known[examples, candidate_of[local_rows[examples, positions]]] = True
        return Batch(
            user_rows=self._tensor(pairs.user_rows[rows]),
            history=history_tensors(replace(history, rows=local_rows), self.device),
            posts=self.contents(posts),
            candidates=self._tensor(np.searchsorted(posts, candidates)),
            labels=self._tensor(np.searchsorted(candidates, targets)),
            negatives=self._tensor(
                np.searchsorted(candidates, random.choice(drawn if len(drawn) else candidates, len(rows)))
            ),
            is_known=self._tensor(is_known),
            strengths=self._tensor(pairs.strengths[rows]),
            weights=self._tensor(self.weights[rows]),
            numeric=self.numeric[plan.snapshot][self._tensor(candidates)],
            log_expected=self._tensor(np.log(np.maximum(probability, 1e-9)).astype(np.float32)),
        )

    def live_histories(self, rows: NDArray[np.int64]) -> Histories:
        """The whole history of each example's user before it."""
        return self._history(rows, rows)

    def contents(self, rows: NDArray[np.int64]) -> PostTensors:
        """The content of the posts of the given rows."""
        chosen = self._tensor(rows)
        return PostTensors(self.text[chosen], self.words[chosen], self.category_rows[chosen], chosen)

    def _history(self, rows: NDArray[np.int64], ends: NDArray[np.int64]) -> Histories:
        pairs = self.dataset.pairs
        starts = pairs.offsets[pairs.user_rows[rows]]
        return window_histories(
            starts,
            ends,
            pairs.days[rows],
            rows=pairs.post_rows,
            verbs=pairs.verbs,
            strengths=pairs.strengths,
            days=pairs.days,
            length=min(max(int((ends - starts).max(initial=1)), 1), self.config.history_length),  # no empty column
        )

    def _ends_before(self, day: float, user_rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The end of each user's history at a moment: int64 [user_rows], positions in the pairs."""
        is_before = np.concatenate([[0], np.cumsum(self.dataset.pairs.days < day)])
        offsets = self.dataset.pairs.offsets
        ends: NDArray[np.int64] = offsets[user_rows] + is_before[offsets[user_rows + 1]] - is_before[offsets[user_rows]]
        return ends

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.device)
