"""Sessions, and the moments of a month at which a ranking is asked for."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.live_evaluation.months import Month
from pipeline.pairs import Pairs

_MILLISECONDS_A_DAY = 86_400_000
_SESSION_GAP_MILLISECONDS = 30 * 60 * 1000
MOST_MOMENTS = 5_000


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of a month [moments] at which somebody met a post for the first time, ascending by time.

    ``user_rows`` and ``post_rows`` int64, ``days`` float64 since 1970, ``is_first`` bool: the first of its session.
    ``existing_since`` float64 [posts]: a post is a candidate at any later moment. ``exists`` bool: the met post is one
    at the moment. ``session_targets`` holds for each first moment the posts first met in its session that are
    candidates at the moment, int64, at any other moment none. ``is_new`` bool: the person had no interaction before the
    month's split. ``drawn_people`` of all ``people`` of the month are replayed.
    """

    user_rows: NDArray[np.int64]
    post_rows: NDArray[np.int64]
    days: NDArray[np.float64]
    existing_since: NDArray[np.float64]
    is_first: NDArray[np.bool_]
    exists: NDArray[np.bool_]
    session_targets: tuple[NDArray[np.int64], ...]
    is_new: NDArray[np.bool_]
    drawn_people: int
    people: int

    def __len__(self) -> int:
        return len(self.days)


def session_numbers(pairs: Pairs) -> NDArray[np.int64]:
    """The number of each pair's session, ascending: int64 [pairs].

    A session is a run of pairs of one person of which each follows the one before by less than 30 minutes.
    """
    if not len(pairs):
        return np.zeros(0, dtype=np.int64)
    gaps = np.rint(np.diff(pairs.days) * _MILLISECONDS_A_DAY)  # whole, so that 30 minutes are exactly 30 minutes
    begins = (np.diff(pairs.user_rows) != 0) | (gaps >= _SESSION_GAP_MILLISECONDS)
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int64)


def moments_of(dataset: Dataset, month: Month, *, most: int = MOST_MOMENTS) -> Moments:
    """The moments of a month; of more than ``most``, those of as many whole people as fit, drawn by their ids.

    A session belongs to the month in which it begins, with all its pairs.
    """
    pairs, sessions = dataset.pairs, session_numbers(dataset.pairs)
    starts = np.flatnonzero(np.diff(sessions, prepend=-1))  # the first pair of each session
    ends = np.append(starts[1:], len(pairs))
    inside = np.flatnonzero((pairs.days >= month.split_day) & (pairs.days < month.end_day))
    users, counts = np.unique(pairs.user_rows[inside], return_counts=True)
    drawn = users[_drawn(dataset.user_ids[users], counts, most=most)]
    chosen = inside[np.isin(pairs.user_rows[inside], drawn)]
    chosen = chosen[np.lexsort((chosen, pairs.days[chosen]))]

    is_first = starts[sessions[chosen]] == chosen
    existing_since = first_signs(dataset)
    nothing = np.zeros(0, dtype=np.int64)
    targets = []
    for pair, begins in zip(chosen, is_first, strict=True):
        session = pairs.post_rows[pair : ends[sessions[pair]]].astype(np.int64) if begins else nothing
        targets.append(session[existing_since[session] < pairs.days[pair]])
    user_rows, post_rows = pairs.user_rows[chosen].astype(np.int64), pairs.post_rows[chosen].astype(np.int64)
    first_pairs = np.minimum(pairs.offsets[:-1], len(pairs) - 1)  # of each user; used only for users with pairs
    return Moments(
        user_rows=user_rows,
        post_rows=post_rows,
        days=pairs.days[chosen],
        is_first=is_first,
        existing_since=existing_since,
        exists=existing_since[post_rows] < pairs.days[chosen],
        session_targets=tuple(targets),
        is_new=pairs.days[first_pairs[user_rows]] >= month.split_day,
        drawn_people=len(drawn),
        people=len(users),
    )


def first_signs(dataset: Dataset) -> NDArray[np.float64]:
    """When each post was made, or first met if a wrong clock says that this was earlier: float64 [posts]."""
    days = dataset.created_days.copy()
    np.minimum.at(days, dataset.pairs.post_rows, dataset.pairs.days)
    return days


def _drawn(ids: NDArray[np.int64], counts: NDArray[np.integer], *, most: int) -> NDArray[np.int64]:
    """The places of as many users as have at most ``most`` moments together, by their ids' checksums; one at least."""
    order = np.argsort([crc32(str(number).encode()) for number in ids], kind="stable")
    return order[: max(int(np.searchsorted(np.cumsum(counts[order]), most, side="right")), 1)]
