"""The acceptance rule: methods that know everything up to the second, at a session's start and at each next post."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.records import DAY_S, Floats, Integers, Records
from benchmarks.worlds.windows import DISCOUNTS, TOP, Window, counts_of_days

_TREND_DAYS = 7.0
_AFFINITY_PAIRS, _SHRINKAGE = 3, 1.0  # of k = 5, 2, 1 and .3, 1 gives what the page has for the world of its day
_HISTORY = 10
_NEIGHBOUR_WEIGHT, _STEP_WEIGHT, _ORDER_WEIGHT = 3.0, 3.0, 3.0  # set by hand, once


@dataclass(frozen=True, slots=True)
class _Case:
    """One thing to foretell: the posts (rows) that a person meets in a session, or next."""

    window: int
    user: int
    is_later_visit: bool
    values: dict[str, float]


class _Crowd:
    """What everybody did so far."""

    def __init__(self, records: Records) -> None:
        posts = len(records.created)
        self.categories = np.unique(records.categories, return_inverse=True)[1]
        self.numbers = int(self.categories.max()) + 1
        self.trend = np.zeros(posts)
        self.together = np.zeros((posts, posts), dtype=np.float32)
        self.steps = np.zeros((posts, posts), dtype=np.float32)
        self.counts = np.zeros(posts)
        self._moment = float(records.pairs.seconds[0])

    def age_to(self, second: float) -> None:
        self.trend *= np.exp(-(second - self._moment) / DAY_S / _TREND_DAYS)
        self._moment = second

    def add(self, post: int, history: list[int], before: int | None) -> None:
        self.trend[post] += 1
        self.counts[post] += 1
        recent = history[-_HISTORY:]
        self.together[post, recent] += 1
        self.together[recent, post] += 1
        if before is not None:
            self.steps[before, post] += 1

    def affinity(self, history: list[int]) -> Floats:
        """The shrunk share of each post's category among the person's last three pairs: [posts]."""
        crowd = np.bincount(self.categories, self.trend, minlength=self.numbers).astype(np.float64)
        crowd /= max(float(crowd.sum()), 1e-12)
        last = self.categories[history[-_AFFINITY_PAIRS:]]
        counts = np.bincount(last, minlength=self.numbers)
        return np.asarray(((counts + _SHRINKAGE * crowd) / (len(last) + _SHRINKAGE))[self.categories])

    def neighbours(self, history: list[int]) -> Floats:
        """Mean cosine of the co-visits with the last ten posts: [posts]."""
        recent = history[-_HISTORY:]
        norms = np.sqrt(np.maximum(self.counts, 1))
        return np.asarray((self.together[recent] / norms[recent][:, None]).sum(axis=0) / norms / len(recent))

    def next_steps(self, post: int) -> Floats:
        """The share of the steps from a post that went to each post: [posts]."""
        return np.asarray(self.steps[post] / (self.steps[post].sum() + 1))


def measure_live(records: Records, windows: tuple[Window, ...]) -> dict[str, float]:
    """The ratios of the acceptance rule: means over a person's cases, then over people, then over windows."""
    starts, nexts = _walk(records, windows)
    live = _mean(starts, "trend", later=None)
    return {
        "live trend / frozen last month at a session's start": live / _mean(starts, "frozen", later=None),
        "live category x trend / live trend for later visits": _mean(starts, "category", later=True)
        / _mean(starts, "trend", later=True),
        "blend / live trend within a session": _mean(nexts, "blend", later=None) / _mean(nexts, "trend", later=None),
        "live category x trend / live trend within a session": _mean(nexts, "category", later=None)
        / _mean(nexts, "trend", later=None),
        "ndcg of the live trend at a session's start": live,
        "ndcg of the live trend within a session": _mean(nexts, "trend", later=None),
    }


def _mean(cases: list[_Case], method: str, *, later: bool | None) -> float:
    of_person: dict[tuple[int, int], list[float]] = defaultdict(list)
    for case in cases:
        if later is None or case.is_later_visit is later:
            of_person[case.window, case.user].append(case.values[method])
    of_window: dict[int, list[float]] = defaultdict(list)
    for (window, _), values in of_person.items():
        of_window[window].append(float(np.mean(values)))
    return float(np.mean([np.mean(values) for values in of_window.values()])) if of_window else float("nan")


def _walk(records: Records, windows: tuple[Window, ...]) -> tuple[list[_Case], list[_Case]]:
    pairs = records.pairs
    crowd = _Crowd(records)
    ties = [_tie_breaks(window) for window in windows]
    frozen = [counts_of_days(records, window.split, 30) + tie for window, tie in zip(windows, ties, strict=True)]
    of_session: dict[int, list[int]] = defaultdict(list)
    for row, session in enumerate(pairs.sessions):
        of_session[int(session)].append(row)
    histories: dict[int, list[int]] = defaultdict(list)
    sessions_begun: set[int] = set()
    before: dict[int, int] = {}
    starts: list[_Case] = []
    nexts: list[_Case] = []
    inside = [window.test for window in windows]
    for row in range(len(pairs)):
        user, post, session = int(pairs.users[row]), int(pairs.posts[row]), int(pairs.sessions[row])
        second = float(pairs.seconds[row])
        history = histories[user]
        crowd.age_to(second)
        at = [number for number in range(len(windows)) if inside[number][row]]
        is_start = session not in sessions_begun
        if at:
            candidates = records.created < second
            candidates[history] = False
        for number in at:
            trend = crowd.trend + ties[number]
            affinity = crowd.affinity(history)
            category = affinity * (crowd.trend + 1e-6) + ties[number] * 1e-3
            values: dict[str, Floats] = {"trend": trend, "category": category}
            if is_start:
                values["frozen"] = frozen[number]
                targets = pairs.posts[of_session[session]]
                ndcg = {name: _ndcg(score, candidates, targets) for name, score in values.items()}
                starts.append(_Case(number, user, bool(history), ndcg))
            else:
                values["blend"] = _blend(records, crowd, category, history, candidates)
                ndcg = {name: _ndcg_of_one(score, candidates, post) for name, score in values.items()}
                nexts.append(_Case(number, user, bool(history), ndcg))
        crowd.add(post, history, None if is_start else before[user])
        sessions_begun.add(session)
        history.append(post)
        before[user] = post
    return starts, nexts


def _tie_breaks(window: Window) -> Floats:
    """A number below any difference of two trends for each post, larger for the posts that win ties: [posts]."""
    ties = np.empty(len(window.ties))
    ties[window.ties] = np.arange(len(window.ties), 0, -1)
    return ties * 1e-9


def _blend(
    records: Records, crowd: _Crowd, category: Floats, history: list[int], candidates: NDArray[np.bool_]
) -> Floats:
    return np.asarray(
        np.log(category)
        + _NEIGHBOUR_WEIGHT * crowd.neighbours(history)
        + _STEP_WEIGHT * crowd.next_steps(history[-1])
        + _ORDER_WEIGHT * _next_in_order(records, crowd, history[-1], candidates)
    )


def _next_in_order(records: Records, crowd: _Crowd, post: int, candidates: NDArray[np.bool_]) -> Floats:
    """1 / distance of the next posts of the category in post order, in both directions: [posts]."""
    found = np.zeros(len(records.created))
    fellows = np.flatnonzero(candidates & (crowd.categories == crowd.categories[post]))
    place = int(np.searchsorted(fellows, post))
    for distance in range(1, 6):
        for other in (place + distance - 1, place - distance):
            if 0 <= other < len(fellows):
                found[fellows[other]] = 1 / distance
    return found


def _ndcg(scores: Floats, candidates: NDArray[np.bool_], targets: Integers) -> float:
    masked = np.where(candidates, scores, -np.inf)
    best = np.argpartition(-masked, TOP)[:TOP]
    best = best[np.argsort(-masked[best])]
    hits = np.isin(best, targets) & candidates[best]
    return float(hits @ DISCOUNTS / DISCOUNTS[: min(len(targets), TOP)].sum())


def _ndcg_of_one(scores: Floats, candidates: NDArray[np.bool_], post: int) -> float:
    if not candidates[post]:
        return 0.0
    rank = int((scores[candidates] > scores[post]).sum())
    return float(DISCOUNTS[rank]) if rank < TOP else 0.0
