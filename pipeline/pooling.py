"""Pool judged splits into one evaluation: a case is one person in one split, and all cases weigh alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import (
    EVERYBODY,
    MODEL_NAME,
    NEW,
    OURS,
    WITH_A_HISTORY,
    Group,
    Metrics,
    Month,
    PeopleGroup,
    Verdict,
)
from pipeline.judged_split import JudgedSplit, MethodRanks
from pipeline.paired_bootstrap import resample

HISTORY_LENGTHS = (0, 1, 3, 6, 11, 21, 51)  # the lower bound of each group
POST_AGES_DAYS = (0, 7, 28, 91, 182)
POST_MEETINGS = (0, 1, 5, 20, 50, 100)

Values = Callable[[MethodRanks], NDArray[np.float64]]
"""One number for each case, or for each target, of a method on one split."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The judged splits of an evaluation, newest first: at least one, all with the same methods."""

    splits: Sequence[JudgedSplit]

    @property
    def names(self) -> tuple[str, ...]:
        """The methods."""
        return tuple(self.splits[0].methods)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of the history of each case: int64 [cases]."""
        return np.concatenate([split.lengths for split in self.splits])

    def metrics(self) -> dict[str, Metrics]:
        """Every method's metrics over all cases."""
        recall, ndcg, hit, category_recall, category_ndcg = (
            resample(*self._table(values)) for values in (_recall, _ndcg, _hit, _category_recall, _category_ndcg)
        )
        return {
            name: Metrics(
                recall_at_10=recall.estimate(column),
                ndcg_at_10=ndcg.estimate(column),
                hit_rate_at_10=hit.estimate(column),
                in_category_recall_at_10=category_recall.estimate(column),
                in_category_ndcg_at_10=category_ndcg.estimate(column),
                coverage_at_10=float(np.mean([split.methods[name].coverage for split in self.splits])),
                distinct_feeds=float(np.mean([split.methods[name].distinct_feeds for split in self.splits])),
            )
            for column, name in enumerate(self.names)
        }

    def people(self) -> tuple[PeopleGroup, ...]:
        """All cases, the new people's and those with a history; a group of nobody is left out."""
        ndcg, numbers = self._table(_ndcg)
        groups = [
            _people_group(label, self.names, ndcg[inside], numbers[inside])
            for label, inside in _people(self.lengths).items()
            if inside.any()
        ]
        return tuple(groups)

    def months(self) -> tuple[Month, ...]:
        """Every split by itself."""
        return tuple(_month(split) for split in self.splits)

    def by_history_length(self) -> tuple[Group, ...]:
        """Mean NDCG@10 of cases by the length of their history."""
        return grouped(self.lengths, HISTORY_LENGTHS, self._by_name(_ndcg))

    def by_post_age(self) -> tuple[Group, ...]:
        """Recall@10 of the targets that could be shown, by their age at the split."""
        return self._of_candidates([split.ages for split in self.splits], POST_AGES_DAYS)

    def by_post_meetings(self) -> tuple[Group, ...]:
        """Recall@10 of the targets that could be shown, by the number of people who had met them."""
        return self._of_candidates([split.meetings for split in self.splits], POST_MEETINGS)

    def _of_candidates(self, keys: Sequence[NDArray[np.generic]], starts: tuple[int, ...]) -> tuple[Group, ...]:
        is_candidate = np.concatenate([split.is_candidate for split in self.splits])
        values = {name: column[is_candidate] for name, column in self._by_name(_target_hits).items()}
        return grouped(np.concatenate(keys)[is_candidate], starts, values)

    def _table(self, values: Values) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Values [cases, methods] of all splits, and the number of each case's split [cases]."""
        tables = [np.stack([values(found) for found in split.methods.values()], axis=1) for split in self.splits]
        numbers = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
        return np.concatenate(tables), numbers

    def _by_name(self, values: Values) -> dict[str, NDArray[np.float64]]:
        table, _ = self._table(values)
        return {name: table[:, column] for column, name in enumerate(self.names)}


def grouped(
    keys: NDArray[np.generic], starts: tuple[int, ...], values: Mapping[str, NDArray[np.float64]]
) -> tuple[Group, ...]:
    """Means of ``values`` in each non-empty range of ``keys``; both [cases or targets]."""
    group_of = np.searchsorted(starts, keys, side="right") - 1
    groups = []
    for number, start in enumerate(starts):
        inside = group_of == number
        if inside.any():
            is_last = number + 1 == len(starts)
            end = None if is_last else starts[number + 1] - 1
            label = f"{start}+" if end is None else str(start) if end == start else f"{start}-{end}"
            means = {name: float(column[inside].mean()) for name, column in values.items()}
            groups.append(Group(label, int(inside.sum()), means))
    return tuple(groups)


def _people(lengths: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    return {EVERYBODY: np.ones(len(lengths), dtype=np.bool_), NEW: lengths == 0, WITH_A_HISTORY: lengths > 0}


def _people_group(
    label: str, names: Sequence[str], ndcg: NDArray[np.float64], numbers: NDArray[np.int64]
) -> PeopleGroup:
    found = resample(ndcg, numbers)
    best = max((column for column, name in enumerate(names) if name not in OURS), key=lambda at: found.means[at])
    differences = {name: found.difference(column, best) for column, name in enumerate(names)}
    return PeopleGroup(
        label=label,
        cases=len(ndcg),
        ndcg_at_10={name: found.estimate(column) for column, name in enumerate(names)},
        to_best_baseline=differences,
        best_baseline=names[best],
        verdict=Verdict.of(differences[MODEL_NAME]),
    )


def _month(split: JudgedSplit) -> Month:
    return Month(
        label=split.label,
        cases=len(split.lengths),
        cases_with_history=int((split.lengths > 0).sum()),
        targets=len(split.posts),
        targets_made_later=int((~split.is_candidate).sum()),
        ndcg_at_10={
            label: {name: float(_ndcg(found)[inside].mean()) for name, found in split.methods.items()}
            for label, inside in _people(split.lengths).items()
            if inside.any()
        },
    )


def _recall(found: MethodRanks) -> NDArray[np.float64]:
    return found.overall.recall


def _ndcg(found: MethodRanks) -> NDArray[np.float64]:
    return found.overall.ndcg


def _hit(found: MethodRanks) -> NDArray[np.float64]:
    return found.overall.hit


def _category_recall(found: MethodRanks) -> NDArray[np.float64]:
    return found.in_category.recall


def _category_ndcg(found: MethodRanks) -> NDArray[np.float64]:
    return found.in_category.ndcg


def _target_hits(found: MethodRanks) -> NDArray[np.float64]:
    return found.is_hit.astype(np.float64)
