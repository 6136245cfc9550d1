"""The inputs of the towers, computed from histories and posts in the same way in training and in serving."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

POPULARITY_WINDOWS_DAYS = (7.0, 28.0, 91.0, float("inf"))
CATEGORY_WINDOWS_DAYS = POPULARITY_WINDOWS_DAYS[:2]
NUMERIC_FEATURES = (
    *(f"log share of events in {days:g} days" for days in POPULARITY_WINDOWS_DAYS),
    *(f"log share of events of its category in {days:g} days" for days in CATEGORY_WINDOWS_DAYS),
    "log age in days",
    "is younger than a week",
    "log share of events, a week old counting 1/e",
)
TREND_COLUMN = len(NUMERIC_FEATURES) - 1

_CATEGORY_COLUMNS = slice(len(POPULARITY_WINDOWS_DAYS), len(POPULARITY_WINDOWS_DAYS) + len(CATEGORY_WINDOWS_DAYS))
_YOUNG_COLUMN = NUMERIC_FEATURES.index("is younger than a week")
_YOUNG_DAYS = 7.0
TREND_DAYS = 7.0
_SHARE_SCALE = 1000.0  # a post with one event in a thousand gets log(2)
_SUMMED_AT_ONCE = 2_000_000  # events
_LOG_AGE_SCALE = 5.0  # log(1 + 148 days): keeps the age near the other features' range


@dataclass(frozen=True, slots=True)
class Histories:
    """Padded histories: newest event last, padding first.

    ``rows`` int64 [users, length] (row of the post among the representations; 0 where padded), ``verbs`` int64,
    ``strengths`` float32 in 0..1, ``ages`` float32 (scaled log of days), ``is_event`` bool, all [users, length].
    """

    rows: NDArray[np.int64]
    verbs: NDArray[np.int64]
    strengths: NDArray[np.float32]
    ages: NDArray[np.float32]
    is_event: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PostInputs:
    """The inputs of the post tower.

    ``text`` float32 [posts, text dimension], ``words`` int32 [posts, words] (0 = none), ``category_rows`` int64 [posts]
    (0 = none), ``post_rows`` int64 [posts] (row of the id embedding, -1 for a post unknown at training time),
    ``numeric`` float32 [posts, features], ``is_new`` bool [posts]: the post has no interactions.
    """

    text: NDArray[np.float32]
    words: NDArray[np.int32]
    category_rows: NDArray[np.int64]
    post_rows: NDArray[np.int64]
    numeric: NDArray[np.float32]
    is_new: NDArray[np.bool_]


def window_histories(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    moments: NDArray[np.float64],
    *,
    rows: NDArray[np.integer],
    verbs: NDArray[np.integer],
    strengths: NDArray[np.float32],
    days: NDArray[np.floating],
    length: int,
) -> Histories:
    """Take the newest ``length`` events of each slice ``starts[i]:ends[i]`` of the event arrays (oldest first).

    ``days`` [events] and ``moments`` [users] are days since the same date; an event's age is that at the user's moment.
    """
    positions = ends[:, None] - length + np.arange(length)  # [users, length]
    is_event = positions >= starts[:, None]
    if len(rows) == 0:
        zeros = np.zeros(positions.shape)
        return Histories(
            zeros.astype(np.int64), zeros.astype(np.int64), zeros.astype(np.float32), zeros.astype(np.float32), is_event
        )
    positions = np.where(is_event, positions, 0)
    return Histories(
        rows=np.where(is_event, rows[positions], 0).astype(np.int64),
        verbs=np.where(is_event, verbs[positions], 0).astype(np.int64),
        strengths=np.where(is_event, strengths[positions], 0).astype(np.float32),
        ages=np.where(is_event, scale_days(moments[:, None] - days[positions]), 0).astype(np.float32),
        is_event=is_event,
    )


def scale_days(days: NDArray[np.floating]) -> NDArray[np.float32]:
    """The logarithm of ages in days, clipped at 0 and scaled so that the first five months are about 0..1."""
    return np.asarray(np.log1p(np.maximum(days, 0)) / _LOG_AGE_SCALE, dtype=np.float32)


def numeric_features(
    snapshot_day: float,
    *,
    event_rows: NDArray[np.integer],
    event_days: NDArray[np.float64],
    created_days: NDArray[np.float64],
    category_rows: NDArray[np.integer],
    category_count: int,
) -> NDArray[np.float32]:
    """The numeric features of every post at a moment: float32 [posts, len(NUMERIC_FEATURES)]; events ascend by time.

    Only events before ``snapshot_day`` count, so that training never sees the future; a post created later has age 0.
    Days count from 1970. Counters of the upstream API are left out: they are today's, not those of the moment.
    """
    posts = len(created_days)
    past = PastTotals.at(
        snapshot_day,
        event_days=event_days,
        event_categories=category_rows[event_rows],
        category_count=category_count,
    )
    newest = event_rows[: past.before]
    freshness = np.exp((event_days[: past.before] - snapshot_day) / TREND_DAYS)
    return past.features(
        counts=[np.bincount(newest[start:], minlength=posts) for start in past.starts],
        freshness=np.bincount(newest, weights=freshness, minlength=posts).astype(np.float64),  # int64 without events
        created_days=created_days,
        category_rows=category_rows,
    )


@dataclass(frozen=True, slots=True)
class PastTotals:
    """What every post's numeric features at a moment have in common.

    The events before ``day`` are the first ``before`` of all, and the first of them inside of each window of
    POPULARITY_WINDOWS_DAYS is that of ``starts``. ``by_category`` int64 [categories] of each of
    CATEGORY_WINDOWS_DAYS counts events; ``freshness`` is the sum over all events before ``day``, one of ``TREND_DAYS``
    ago counting 1/e.
    """

    day: float
    before: int
    starts: tuple[int, ...]
    by_category: tuple[NDArray[np.int64], ...]
    freshness: float

    @classmethod
    def at(
        cls,
        day: float,
        *,
        event_days: NDArray[np.float64],
        event_categories: NDArray[np.integer],
        category_count: int,
    ) -> Self:
        """Sum up the events, [events] ascending by time."""
        before = int(np.searchsorted(event_days, day))
        starts = tuple(int(np.searchsorted(event_days, day - window)) for window in POPULARITY_WINDOWS_DAYS)
        return cls(
            day=day,
            before=before,
            starts=starts,
            by_category=tuple(
                np.bincount(
                    event_categories[starts[POPULARITY_WINDOWS_DAYS.index(window)] : before], minlength=category_count
                )
                for window in CATEGORY_WINDOWS_DAYS
            ),
            freshness=_sum_of_decayed(event_days[:before], day),
        )

    def features(
        self,
        *,
        counts: Sequence[NDArray[np.int64]],
        freshness: NDArray[np.float64],
        created_days: NDArray[np.float64],
        category_rows: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """The numeric features float32 [posts, features] of some posts; each argument holds one number a post.

        ``counts``: events in each of POPULARITY_WINDOWS_DAYS; ``freshness``: the post's part of the sum of all.
        """
        shares = [
            np.log1p(_SHARE_SCALE * count / max(self.before - start, 1))
            for count, start in zip(counts, self.starts, strict=True)
        ]
        category_shares = [
            np.log1p(_SHARE_SCALE * count / max(int(count.sum()), 1))[category_rows] for count in self.by_category
        ]
        trend = np.log1p(_SHARE_SCALE * freshness / max(self.freshness, 1e-9))
        ages = self.day - created_days
        columns = [*shares, *category_shares, scale_days(ages), ages < _YOUNG_DAYS, trend]
        return np.stack(columns, axis=1).astype(np.float32)


def _sum_of_decayed(days: NDArray[np.float64], day: float) -> float:
    """The sum of all events, one of ``TREND_DAYS`` before ``day`` counting 1/e.

    NumPy adds the halves of an array, and the halves of these. So does this, which holds a small part of them at a
    time: the sum has the same bits as that of all at once.
    """
    if len(days) <= _SUMMED_AT_ONCE:
        return float(np.exp((days - day) / TREND_DAYS).sum())
    half = len(days) // 2 // 8 * 8
    return _sum_of_decayed(days[:half], day) + _sum_of_decayed(days[half:], day)


def new_post_features(
    numeric: NDArray[np.float32], category_rows: NDArray[np.int64], category_row: int
) -> NDArray[np.float32]:
    """Features float32 [features] of a post created now, which has no interactions: those of its category alone.

    ``numeric`` [posts, features] and ``category_rows`` [posts] are those of the known posts.
    """
    features = np.zeros(numeric.shape[1], dtype=np.float32)
    of_category = numeric[category_rows == category_row]
    if len(of_category):
        features[_CATEGORY_COLUMNS] = of_category[0, _CATEGORY_COLUMNS]
    features[_YOUNG_COLUMN] = numeric.any()  # without times, training saw no age
    return features
