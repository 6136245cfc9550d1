"""Batches of training examples, each with the past as it was at the time.

An example is a user's first interaction with a post, with the history before it and the posts' popularity at a snapshot
some days earlier, because a bundle serves until the next one is made.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bundle.array_files import let_go_of_pages
from pipeline.dataset import Dataset
from pipeline.ranks import ALONE, Ranks
from pipeline.scratch import pieces
from pipeline.training_config import TrainingConfig
from two_tower.features import NUMERIC_FEATURES, Histories, window_histories
from two_tower.model import HistoryTensors, PostTensors, history_tensors
from two_tower.past_popularity import PastPopularity, first_at_least
from two_tower.row_draws import Part

_MOST_MAPPED_BYTES = 2**29  # of large arrays, before a batch is made; it adds up to a gigabyte and a half


@dataclass(frozen=True, slots=True)
class Share:
    """What part a batch is of one that several processes divide, and the share of all examples, and of their weight."""

    examples: Part
    items: Part  # of the histories: their interactions, and one item an example that stands for nothing
    posts: Part
    by_number: float
    by_weight: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples that share a snapshot, with their candidates: the targets, and negatives drawn from the catalogue.

    Where several processes divide a batch, each has all candidates, and a part of the examples and of the contents of
    posts; ``share`` says which.
    """

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
    share: Share | None = None  # none: this is the whole batch

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class TargetShares:
    """How often each post is a target: ``post_rows`` [targets] ascending, ``counts`` [targets], ``total`` examples."""

    post_rows: NDArray[np.integer]
    counts: NDArray[np.integer]
    total: int

    @classmethod
    def of(cls, targets: NDArray[np.signedinteger]) -> Self:
        """The shares of the posts in some examples' targets."""
        post_rows, counts = np.unique(targets, return_counts=True)
        return cls(post_rows.astype(np.int32), counts.astype(np.int32), len(targets))

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The share of examples whose target is each of some posts: float64 [rows]."""
        found = np.minimum(np.searchsorted(self.post_rows, rows), len(self.post_rows) - 1)
        return np.where(self.post_rows[found] == rows, self.counts[found] / self.total, 0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """The examples of a batch, the snapshot that they share, and the targets of all examples of the snapshot."""

    snapshot: int
    rows: NDArray[np.signedinteger]
    targets: TargetShares


class Examples:
    """Turns a dataset into batches of examples that share a snapshot, at a cost that depends only on the batch."""

    def __init__(
        self,
        dataset: Dataset,
        config: TrainingConfig,
        words: NDArray[np.int32],
        *,
        device: str,
        random: np.random.Generator,
    ) -> None:
        self.dataset = dataset
        self.config = config
        self.device = device
        self.words = words
        first_day = float(dataset.event_days[0]) if len(dataset.event_days) else 0.0
        self.snapshots = np.arange(first_day, dataset.end_day + config.snapshot_days, config.snapshot_days)
        self.live_share = config.live_share if dataset.has_clock else 1.0
        self._popularity = _popularity(dataset) if dataset.has_clock else None
        self._is_met = dataset.is_met
        drawn_from = np.flatnonzero(self._is_met) if config.uniform_negatives_met else np.arange(len(dataset.post_ids))
        self._by_age = drawn_from[np.argsort(dataset.created_days[drawn_from], kind="stable")]
        self._created_days = dataset.created_days[self._by_age]  # ascending
        order = np.arange(len(dataset.pairs), dtype=_smallest_integers(len(dataset.pairs)))
        random.shuffle(order)
        held_out = round(config.validation_share * len(order))
        self.validation_rows = np.sort(order[:held_out])
        self.training_rows = order[held_out:]
        self.training_rows.sort()

    def plans(self, rows: NDArray[np.signedinteger], random: np.random.Generator) -> list[Plan]:
        """Give each example a snapshot up to ``serving_days`` before it, and cut the snapshots into batches."""
        snapshot_of = np.empty(len(rows), dtype=np.int32)
        for piece in pieces(len(rows)):
            lags = random.uniform(0, self.config.serving_days, size=piece.stop - piece.start)
            snapshot_of[piece] = self.snapshots_of(rows[piece], lags=lags)
        self.dataset.scratch.let_go()
        order = np.argsort(snapshot_of, kind="stable").astype(rows.dtype)
        snapshots, counts = np.unique(snapshot_of, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(counts)])
        del snapshot_of
        plans: list[Plan] = []
        for snapshot, members in zip(snapshots, np.split(order, starts[1:-1]), strict=bool(len(snapshots))):
            chosen = random.permutation(rows[members])
            targets = TargetShares.of(self.dataset.pairs.post_rows[chosen])
            self.dataset.scratch.let_go()
            count = max(1, round(len(chosen) / self.config.batch_size))
            plans.extend(Plan(int(snapshot), piece, targets) for piece in np.array_split(chosen, count))
        return [plans[position] for position in random.permutation(len(plans))]

    def snapshots_of(self, rows: NDArray[np.signedinteger], *, lags: NDArray[np.float64] | float) -> NDArray[np.int32]:
        """The newest snapshot up to ``lags`` days before each example, or the first: int32 [rows]."""
        days = self.dataset.pairs.days[rows] - lags
        rows_of_days = np.searchsorted(self.snapshots, days, side="right") - 1
        return np.asarray(np.maximum(rows_of_days, 0), dtype=np.int32)

    def batch(self, plan: Plan, random: np.random.Generator, ranks: Ranks = ALONE) -> Batch:
        """Draw the negatives and the histories of a planned batch, and make the part of this process of it."""
        pairs, rows = self.dataset.pairs, plan.rows.astype(np.int64)
        self._let_go_of_pages()
        targets = pairs.post_rows[rows].astype(np.int64)
        drawn = self._draw(plan, random)
        candidates = np.union1d(targets, drawn)

        # A bundle's histories end when it is made, so some examples see nothing newer than their snapshot. The others
        # see everything before them, so that the order within a session is learnt too.
        is_live = random.random(len(rows)) < self.live_share
        ends = np.where(is_live, rows, self._ends_before(self.snapshots[plan.snapshot], pairs.user_rows[rows]))
        history = self._history(rows, np.minimum(ends, rows))
        posts = np.union1d(candidates, history.rows)
        candidate_of = np.full(len(posts), -1)
        candidate_of[np.searchsorted(posts, candidates)] = np.arange(len(candidates))
        local_rows = np.searchsorted(posts, history.rows)
        own, own_posts = ranks.part_of(len(rows)), ranks.part_of(len(posts))
        is_known = np.zeros((own.stop - own.start, len(candidates)), dtype=np.bool_)
        examples, positions = np.nonzero(history.is_event[own] & (candidate_of[local_rows[own]] >= 0))
        is_known[examples, candidate_of[local_rows[own][examples, positions]]] = True
        negatives = np.searchsorted(candidates, random.choice(drawn if len(drawn) else candidates, len(rows)))
        weights = self._weights(rows)
        return Batch(
            user_rows=self._tensor(pairs.user_rows[rows[own]]),
            history=history_tensors(_part_of(replace(history, rows=local_rows), own), self.device),
            posts=self.contents(posts[own_posts]),
            candidates=self._tensor(np.searchsorted(posts, candidates)),
            labels=self._tensor(np.searchsorted(candidates, targets[own])),
            negatives=self._tensor(negatives[own]),
            is_known=self._tensor(is_known),
            strengths=self._tensor(pairs.strengths[rows[own]]),
            weights=self._tensor(weights[own]),
            numeric=self.numeric(plan.snapshot, candidates),
            log_expected=self._tensor(self._log_expected(plan, candidates, drawn)),
            share=_share(own, own_posts, history.is_event, weights, posts) if ranks.size > 1 else None,
        )

    def live_histories(self, rows: NDArray[np.signedinteger]) -> Histories:
        """The whole history of each example's user before it."""
        return self._history(rows.astype(np.int64), rows.astype(np.int64))

    def contents(self, rows: NDArray[np.int64]) -> PostTensors:
        """The content of the posts of the given rows."""
        return PostTensors(
            text=self._tensor(self.dataset.text[rows]),
            words=self._tensor(self.words[rows]),
            category_rows=self._tensor(self.dataset.category_rows[rows]),
            post_rows=self._tensor(rows),
        )

    def numeric(self, snapshot: int, rows: NDArray[np.int64]) -> Tensor:
        """The numeric features of the posts of the given rows at a snapshot: float32 [rows, features]."""
        if self._popularity is None:
            return torch.zeros(len(rows), len(NUMERIC_FEATURES), device=self.device)
        self._let_go_of_pages()
        return self._tensor(self._popularity.features(float(self.snapshots[snapshot]), rows))

    def _draw(self, plan: Plan, random: np.random.Generator) -> NDArray[np.int64]:
        """Distinct posts that exist while a bundle of the snapshot is served."""
        count = self._count_of_existing(plan)
        return self._by_age[random.choice(count, size=min(self.config.uniform_negatives, count), replace=False)]

    def _count_of_existing(self, plan: Plan) -> int:
        return int(np.searchsorted(self._created_days, self._last_day(plan), side="right"))

    def _last_day(self, plan: Plan) -> float:
        return float(self.snapshots[plan.snapshot]) + self.config.serving_days

    def _log_expected(self, plan: Plan, candidates: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.float32]:
        """The logarithm of each candidate's probability of being sampled into the batch (logQ)."""
        can_be_drawn = self.dataset.created_days[candidates] <= self._last_day(plan)
        if self.config.uniform_negatives_met:
            can_be_drawn &= self._is_met[candidates]
        not_drawn = 1 - can_be_drawn * (len(drawn) / max(self._count_of_existing(plan), 1))
        probability = 1 - (1 - plan.targets.at(candidates)) ** len(plan.rows) * not_drawn
        return np.asarray(np.log(np.maximum(probability, 1e-9)), dtype=np.float32)

    def _weights(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Stronger and newer examples weigh more, those of users with many weigh less: float32 [rows]."""
        pairs = self.dataset.pairs
        user_rows = pairs.user_rows[rows]
        lengths = pairs.offsets[user_rows + 1] - pairs.offsets[user_rows]
        ages = self.dataset.end_day - pairs.days[rows] if self.dataset.is_timed else 0.0
        time_decay = np.exp(-ages / self.config.time_decay_days)
        weights = (0.5 + pairs.strengths[rows]) * time_decay / lengths**self.config.user_balance
        return np.asarray(weights, dtype=np.float32)

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

    def _ends_before(self, day: float, user_rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """The end of each user's history at a moment: int64 [user_rows], positions in the pairs."""
        offsets = self.dataset.pairs.offsets
        return first_at_least(self.dataset.pairs.days, offsets[user_rows], offsets[user_rows + 1], day)

    def _let_go_of_pages(self) -> None:
        """Batches use pages of large arrays here and there: all of them would be in memory in the end."""
        if self.dataset.scratch.let_go(if_over=_MOST_MAPPED_BYTES):
            let_go_of_pages(self.dataset.text)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def _smallest_integers(count: int) -> type[np.signedinteger]:
    return np.int32 if count <= np.iinfo(np.int32).max else np.int64


def _part_of(histories: Histories, own: slice) -> Histories:
    return Histories(**{field.name: getattr(histories, field.name)[own] for field in fields(histories)})


def _share(
    own: slice,
    own_posts: slice,
    is_event: NDArray[np.bool_],
    weights: NDArray[np.float32],
    posts: NDArray[np.int64],
) -> Share:
    items = 1 + is_event.sum(axis=1)  # [batch]
    return Share(
        examples=Part(own.start, len(weights)),
        items=Part(int(items[: own.start].sum()), int(items.sum())),
        posts=Part(own_posts.start, len(posts)),
        by_number=(own.stop - own.start) / len(weights),
        by_weight=float(weights[own].sum(dtype=np.float64) / weights.sum(dtype=np.float64)),
    )


def _popularity(dataset: Dataset) -> PastPopularity:
    return PastPopularity(
        event_rows=dataset.event_posts,
        event_days=dataset.event_days,
        created_days=dataset.created_days,
        category_rows=dataset.category_rows,
        category_count=len(dataset.category_ids) + 1,
        empty=dataset.scratch.empty,
        let_go=dataset.scratch.let_go,
    )
