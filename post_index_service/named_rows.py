"""Where interactions with a post are counted: a post is named by post id or by external id.

A post of the bundle is counted in its row. Any other post gets a number after those rows when it is met for the first
time, so that what people do with a post counts from the first interaction on, whenever the post itself comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from post_index_service.external_ids import ExternalIds

MOST_OTHERS = 1_000_000
"""So many posts that are not in the bundle are counted."""


@dataclass(frozen=True, slots=True)
class NamedRows:
    """``sorted_ids`` int64 [posts] ascend, and are those of the posts in ``rows_by_id`` int32 [posts].

    It is called by the thread that reads the log alone, but for ``row_of`` and ``numbers_of``.
    """

    sorted_ids: NDArray[np.int64]
    rows_by_id: NDArray[np.int32]
    external_ids: ExternalIds
    _others: dict[int, int] = field(default_factory=dict)  # numbers of posts that are not in the bundle
    _called: dict[str, tuple[int, ...]] = field(
        default_factory=dict
    )  # numbers by external id, of posts that came since

    def __call__(self, post_id: int | None, external_id: str | None) -> Sequence[int]:
        """Where the posts with a post id, or else with an external id, are counted; several may have the same one."""
        if post_id is not None:
            number = self._number_of(post_id)
            return [] if number is None else [number]
        if external_id is None:
            return []
        rows = self.external_ids.rows_in(slice(0, len(self.sorted_ids)), [external_id]).tolist()
        return sorted({*rows, *self._called.get(external_id, ())})

    def row_of(self, post_id: int) -> int | None:
        """The row of a post in the bundle; None if it is not there."""
        place = int(self.sorted_ids.searchsorted(post_id))
        is_there = place < len(self.sorted_ids) and self.sorted_ids[place] == post_id
        return int(self.rows_by_id[place]) if is_there else None

    def numbers_of(self, post_ids: Sequence[int]) -> list[int | None]:
        """Where posts are counted; None for one that nobody has met. May be called from any thread."""
        wanted = np.array(post_ids, dtype=np.int64)
        if not len(self.sorted_ids):
            return [self._others.get(post_id) for post_id in wanted.tolist()]
        places = self.sorted_ids.searchsorted(wanted)
        is_there = self.sorted_ids.take(places, mode="clip") == wanted
        rows = self.rows_by_id.take(places, mode="clip").tolist()
        return [
            row if is_row else self._others.get(post_id)
            for post_id, row, is_row in zip(wanted.tolist(), rows, is_there.tolist(), strict=True)
        ]

    def learn(self, post_id: int, external_id: str) -> int:
        """Count interactions that name a post by this external id, too; gives where the post is counted."""
        number = self._number_of(post_id)
        if number is None:  # so many others were met that nobody knows
            number = self._others[post_id] = len(self.sorted_ids) + len(self._others)
        if external_id and number not in self._called.get(external_id, ()):
            self._called[external_id] = (*self._called.get(external_id, ()), number)
        return number

    def _number_of(self, post_id: int) -> int | None:
        row = self.row_of(post_id)
        if row is not None:
            return row
        number = self._others.get(post_id)
        if number is None:
            if len(self._others) >= MOST_OTHERS:
                return None
            number = self._others[post_id] = len(self.sorted_ids) + len(self._others)
        return number
