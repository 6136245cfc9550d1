"""Splits of a dataset: the past to learn from, the history shown of each user, and the targets to find."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import SHORTEST_CLOCK_DAYS, Dataset
from pipeline.popularity import tie_order

TEST_DAYS = 35.0
MONTH_DAYS = 30.4  # from one split to the next older one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLD_POSTS_ONE_IN = 20
_COLD_USERS_ONE_IN = 10


@dataclass(frozen=True, slots=True)
class Split:
    """Methods learn from ``past``, see the histories of ``shown``, and rank the posts that are not in them.

    ``user_rows`` int64 [test users] ascending; ``targets[i]`` int64, the rows of the held-back posts of user ``i``, at
    least one. ``describes`` is a phrase that says what was held back. ``candidates`` bool [posts] are the posts to rank
    (None: all); a target that is not one of them is missed by every method. ``ties`` int64 [posts] is the
    place of each post among posts with equal scores (None: an equal score counts against the target). ``day`` is the
    moment of the split in days since 1970, None where the split is not one by time.
    """

    past: Dataset
    shown: Dataset
    user_rows: NDArray[np.int64]
    targets: tuple[NDArray[np.int64], ...]
    describes: str
    candidates: NDArray[np.bool_] | None = None
    ties: NDArray[np.int64] | None = None
    day: float | None = None

    @property
    def label(self) -> str:
        """The date of the split by time (UTC); empty for another split."""
        return "" if self.day is None else (_EPOCH + timedelta(days=self.day)).date().isoformat()


def split_by_time(dataset: Dataset, *, test_days: float = TEST_DAYS) -> Split:
    """Hold back the last days, as ``split_at`` does."""
    split = split_at(dataset, dataset.end_day - test_days, test_days=test_days)
    return replace(split, describes=f"the last {test_days:g} days held back")


def split_at(dataset: Dataset, day: float, *, test_days: float = TEST_DAYS) -> Split:
    """Learn from before a day since 1970; a user's targets are the posts first met in the ``test_days`` from then on.

    The candidates are the posts made before the day.
    """
    past = dataset.until(day)
    pairs = dataset.pairs
    is_target = (pairs.days >= day) & (pairs.days < day + test_days)
    split = _split(past, past, pairs.user_rows[is_target], pairs.post_rows[is_target], describes="")
    split = replace(
        split,
        candidates=(dataset.created_days < day) | past.is_met,
        ties=tie_order(past) if len(past.pairs) else None,
        day=day,
    )
    return replace(split, describes=f"the {test_days:g} days from {split.label} held back")


def rolling_splits(dataset: Dataset, *, months: int, test_days: float = TEST_DAYS) -> tuple[Split, ...]:
    """Up to ``months`` splits by time, newest first: that of ``split_by_time``, and older ones 30.4 days apart.

    An older split needs a past as ``month_starts`` does, and somebody to test; the first that lacks either is the end.
    """
    splits = [split_by_time(dataset, test_days=test_days)]
    for day in month_starts(dataset, months=months, test_days=test_days)[1:]:
        split = split_at(dataset, day, test_days=test_days)
        if not len(split.user_rows):
            break
        splits.append(split)
    return tuple(splits)


def month_starts(dataset: Dataset, *, months: int, test_days: float = TEST_DAYS) -> tuple[float, ...]:
    """The days since 1970 at which up to ``months`` windows of ``test_days`` begin, newest first.

    The newest ends with the data, and each older one begins 30.4 days earlier. Four weeks of interactions lie before
    each: without them towers learn no popularity. Data without times has none.
    """
    if not dataset.is_timed or not len(dataset.events):
        return ()
    days = [dataset.end_day - test_days - MONTH_DAYS * number for number in range(months)]
    known = [dataset.event_days[: np.searchsorted(dataset.event_days, day)] for day in days]
    return tuple(
        day for day, past in zip(days, known, strict=True) if len(past) and np.ptp(past) >= SHORTEST_CLOCK_DAYS
    )


def split_last(dataset: Dataset) -> Split:
    """Hold back the newest post of each user who has met two or more."""
    is_last = _is_last(dataset)
    past = without(dataset, is_last)
    pairs = dataset.pairs
    return _split(
        past,
        past,
        pairs.user_rows[is_last],
        pairs.post_rows[is_last],
        describes="each person's last interaction held back",
    )


def split_cold_posts(dataset: Dataset) -> Split:
    """Hold back the last post of each user, and of every twentieth post all interactions.

    The test users are those whose last post is such a post and whose remaining history is not empty. A post is cold if
    the crc32 of its id's decimal digits is divisible by 20.
    """
    is_last = _is_last(dataset)
    pairs = dataset.pairs
    is_cold = cold_posts(dataset)[pairs.post_rows]
    past = without(dataset, is_last | is_cold)
    has_history = np.diff(past.pairs.offsets) > 0
    tested = is_last & is_cold & has_history[pairs.user_rows]
    return _split(
        past,
        past,
        pairs.user_rows[tested],
        pairs.post_rows[tested],
        describes="each person's last interaction held back, and all of every twentieth post",
    )


def cold_posts(dataset: Dataset) -> NDArray[np.bool_]:
    """The posts that ``split_cold_posts`` removes from the past: bool [posts]."""
    return _is_drawn(dataset.post_ids, _COLD_POSTS_ONE_IN)


def split_cold_users(dataset: Dataset, *, shown_interactions: int) -> Split:
    """Hold back the last post of each user, and every tenth user from training.

    The test users are those users, with the ``shown_interactions`` posts before the held-back one as their history, or
    fewer if they have fewer. A user is cold if the crc32 of the id's decimal digits is divisible by 10.
    """
    is_last = _is_last(dataset)
    pairs = dataset.pairs
    is_cold = _is_drawn(dataset.user_ids, _COLD_USERS_ONE_IN)[pairs.user_rows]
    is_recent = np.arange(len(pairs)) >= pairs.offsets[pairs.user_rows + 1] - 1 - shown_interactions
    tested = is_last & is_cold
    return _split(
        without(dataset, is_last | is_cold),
        without(dataset, is_last | ~is_recent),
        pairs.user_rows[tested],
        pairs.post_rows[tested],
        describes=f"every tenth person unknown to training, showing {shown_interactions} interactions",
    )


def without(dataset: Dataset, is_dropped: NDArray[np.bool_]) -> Dataset:
    """The dataset without every interaction of the chosen pairs; ``is_dropped`` bool [pairs]."""
    posts = len(dataset.post_ids)
    pairs = dataset.pairs
    dropped = pairs.user_rows[is_dropped].astype(np.int64) * posts + pairs.post_rows[is_dropped]
    return dataset.only(~np.isin(dataset.event_users.astype(np.int64) * posts + dataset.event_posts, dropped))


def _is_last(dataset: Dataset) -> NDArray[np.bool_]:
    """Whether a pair is the last of a user who has met two or more posts: bool [pairs]."""
    offsets = dataset.pairs.offsets
    is_last = np.zeros(len(dataset.pairs), dtype=np.bool_)
    is_last[offsets[1:][np.diff(offsets) >= 2] - 1] = True
    return is_last


def _is_drawn(ids: NDArray[np.int64], one_in: int) -> NDArray[np.bool_]:
    return np.array([crc32(str(number).encode()) % one_in == 0 for number in ids], dtype=np.bool_)


def _split(
    past: Dataset, shown: Dataset, user_rows: NDArray[np.integer], post_rows: NDArray[np.integer], *, describes: str
) -> Split:
    """Group targets by user; both arrays [held-back pairs] ascend by user."""
    users, starts = np.unique(user_rows.astype(np.int64), return_index=True)
    targets = tuple(np.split(post_rows.astype(np.int64), starts[1:])) if len(users) else ()
    return Split(past=past, shown=shown, user_rows=users, targets=targets, describes=describes)
