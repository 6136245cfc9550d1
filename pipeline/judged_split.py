"""One split judged: where every method ranks the targets, person by person and target by target."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.crowd_baselines import Method
from pipeline.known_posts import known_at, learn_from
from pipeline.ranking import CUTOFF, PerUser, Recommender, measure, rank_targets, top_feeds
from pipeline.splits import Split
from pipeline.trained_towers import EpochReport


@dataclass(frozen=True, slots=True)
class MethodRanks:
    """One method on one split.

    ``overall`` and ``in_category`` [users], the latter only of users with a target in a category; ``is_hit`` bool
    [targets]; coverage and distinct feeds as in evaluation.Metrics.
    """

    overall: PerUser
    in_category: PerUser
    is_hit: NDArray[np.bool_]
    coverage: float
    distinct_feeds: float


@dataclass(frozen=True, slots=True)
class JudgedSplit:
    """Every method on one split.

    ``lengths`` int64 [users] counts the posts of each test user's history. Of each target: ``posts`` int64 (row),
    ``ages`` float64 (days since creation at the split), ``meetings`` int64 (people who had met it), ``is_candidate``.
    """

    label: str
    describes: str
    methods: dict[str, MethodRanks]
    lengths: NDArray[np.int64]
    posts: NDArray[np.int64]
    ages: NDArray[np.float64]
    meetings: NDArray[np.int64]
    is_candidate: NDArray[np.bool_]
    epochs: tuple[EpochReport, ...] = ()


def judge(
    split: Split,
    methods: Mapping[str, Method],
    *,
    on_method: Callable[[str], None] | None = None,
) -> JudgedSplit:
    """Let every method learn from what there was at the split, and rank the candidates for its test users."""
    past, posts = split.past, np.concatenate([*split.targets, np.zeros(0, dtype=np.int64)])
    known = known_at(split)
    found: dict[str, MethodRanks] = {}
    for name, method in methods.items():
        if on_method:
            on_method(name)
        found[name] = _judge(split, learn_from(split, known, method))
    return JudgedSplit(
        label=split.label,
        describes=split.describes,
        methods=found,
        lengths=np.diff(split.shown.pairs.offsets)[split.user_rows],
        posts=posts,
        ages=np.maximum((past.end_day if split.day is None else split.day) - past.created_days[posts], 0),
        meetings=np.bincount(past.pairs.post_rows, minlength=len(past.post_ids))[posts],
        is_candidate=np.ones(len(posts), dtype=np.bool_) if split.candidates is None else split.candidates[posts],
    )


def _judge(split: Split, recommender: Recommender) -> MethodRanks:
    ranks = rank_targets(split, recommender)
    coverage, distinct_feeds = _variety(split, recommender)
    return MethodRanks(
        overall=measure(ranks),
        in_category=measure(ranks, in_category=True),
        is_hit=ranks.ranks < CUTOFF,
        coverage=coverage,
        distinct_feeds=distinct_feeds,
    )


def _variety(split: Split, recommender: Recommender) -> tuple[float, float]:
    """Coverage of the candidates by the first pages of users with a history, and pages for each different history."""
    past, candidates = split.past, split.candidates
    active = np.flatnonzero(np.diff(past.pairs.offsets) > 0)
    feeds = top_feeds(recommender, past, active, candidates=candidates, ties=split.ties)
    histories = {
        past.pairs.post_rows[past.pairs.offsets[row] : past.pairs.offsets[row + 1]].tobytes() for row in active
    }
    is_shown = np.zeros(len(past.post_ids), dtype=np.bool_)
    is_shown[feeds] = True
    allowed = np.ones(len(is_shown), dtype=np.bool_) if candidates is None else candidates
    return (
        float((is_shown & allowed).sum() / max(allowed.sum(), 1)),
        len(np.unique(feeds, axis=0)) / max(len(histories), 1),
    )
