"""What a person met last, as the post index needs it: of the bundle, and with what they have done since."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bundle.blend import LAST_POSTS
from bundle.known_users import KnownUsers
from compute.recent_history import RecentHistory
from store.interactions import Verb
from user_tower_service.history import History
from user_tower_service.live_people import LiveEvent

_DAY_MS = 86_400_000
_COUNTED = frozenset({Verb.VIEW, Verb.LIKE, Verb.INSPIRE, Verb.RATING})
"""Those that trends count: a post that was skipped, or does not interest, was not met."""


class BundleHistories:
    """The ends of a bundle's histories; its newest interaction was at ``newest_moment_ms``, 0 without a clock."""

    def __init__(self, users: KnownUsers, newest_moment_ms: int) -> None:
        ends = users.offsets[1:]
        self._lengths = np.diff(users.offsets)
        kept = np.minimum(self._lengths, LAST_POSTS)
        self._offsets = np.concatenate([[0], np.cumsum(kept)])
        places = np.arange(self._offsets[-1]) + np.repeat(ends - kept - self._offsets[:-1], kept)
        self._post_ids = users.post_ids[places]
        self._newest_at_ms = np.zeros(len(ends), dtype=np.int64)
        is_met = self._lengths > 0
        self._newest_at_ms[is_met] = moments_ms(users.days[ends[is_met] - 1], newest_moment_ms)

    def of(self, row: int) -> RecentHistory:
        """That of the user in a row."""
        span = slice(self._offsets[row], self._offsets[row + 1])
        return RecentHistory(
            tuple(self._post_ids[span].tolist()), int(self._lengths[row]), int(self._newest_at_ms[row])
        )


def moments_ms(days: NDArray[np.float32], newest_moment_ms: int) -> NDArray[np.int64]:
    """Moments in milliseconds since 1970, of days before the newest one; 0 if that is not known."""
    if not newest_moment_ms:
        return np.zeros(len(days), dtype=np.int64)
    return newest_moment_ms + np.rint(days.astype(np.float64) * _DAY_MS).astype(np.int64)


def recent_history(
    of_bundle: History, events: Sequence[LiveEvent], *, newest_moment_ms: int, is_merged: bool
) -> RecentHistory:
    """That of a person who has done something since the bundle: ``events`` in the order in which they happened.

    The history of the bundle may name a post twice if several people ``is_merged`` into one.
    """
    ids = of_bundle.post_ids
    if is_merged:
        ids = ids[np.sort(np.unique(ids, return_index=True)[1])]
    met = [event for event in events if event.verb in _COUNTED]
    since = list(dict.fromkeys(event.post_id for event in met if event.post_id is not None))
    is_new = ~np.isin(np.array(since, dtype=np.int64), ids)
    new = [post_id for post_id, is_first in zip(since, is_new.tolist(), strict=True) if is_first]
    newest_of_bundle = moments_ms(of_bundle.days[-1:], newest_moment_ms).tolist()
    return RecentHistory(
        tuple([*ids[-LAST_POSTS:].tolist(), *new][-LAST_POSTS:]),
        len(ids) + len(new),
        max([0, *newest_of_bundle, *(event.moment for event in met)]),
    )
