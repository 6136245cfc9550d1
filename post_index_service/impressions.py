"""Counts from the log how often new posts were shown and liked, as of any position that a page token may carry.

The whole log is read, also what the bundle holds, so that a refresh of the bundle changes no count. The posts that are
counted are those made in the last NEW_DAYS; of each, the first MOST_IMPRESSIONS are kept with their positions.
"""

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from compute.log_tail import LogTail
from post_index_service.begun_search import BegunSearch
from post_index_service.codes import among_sorted
from post_index_service.exploration import Candidates, Exploration
from post_index_service.layered_ranking import LayeredIds
from post_index_service.trend_counts import RowsOf
from store.interactions import Verb
from store.log_entries import Entries, Entry, InteractionRecorded, PostsServed, StoreRestored

MOST_IMPRESSIONS = 100
"""A post with so many impressions is explored no more."""
NEW_DAYS = 14
"""A post that was made earlier is explored no more, also where nobody records what was shown."""

_OFTEN_SHOWN = (0, MOST_IMPRESSIONS)
_NEW_MS = NEW_DAYS * 86_400_000
_POSITIVES = frozenset({Verb.LIKE, Verb.INSPIRE, Verb.RATING})
_IMPRESSIONS = frozenset({Verb.VIEW, Verb.SKIP})


class Impressions:
    """Follows the log for one bundle; searches read while the thread of the log counts.

    ``created_ms`` int64 [posts] are the moments of the bundle's posts, in milliseconds since 1970. ``met`` float64
    [posts] is how many people met each lately as the bundle knows: posts that many met are not explored.
    Interactions that are taken back stay counted, and so do those of people who are deleted: the counts name nobody.
    """

    def __init__(
        self,
        created_ms: NDArray[np.int64],
        met: NDArray[np.float64],
        rows_of: RowsOf,
        log: LogTail,
        *,
        now_ms: int,
    ) -> None:
        self.position = 0
        self._rows_of, self._log = rows_of, log
        self._restored_at = 0
        # Of each post twice the positions of what counts, ascending, and 1 more for a positive.
        self._events: dict[int, array[int]] = {}
        # A day more, for pages that began before this moment.
        self._is_counted = (met < MOST_IMPRESSIONS) & (created_ms >= now_ms - _NEW_MS - _NEW_MS // NEW_DAYS)
        rows = np.flatnonzero(self._is_counted)
        self._by_age = rows[np.argsort(created_ms[rows], kind="stable")]
        self._moments = created_ms[self._by_age]
        log.add(self)

    def read(self, entries: Entries) -> None:
        """Count the entries, as the tail hands them over; a restored store is counted from its start."""
        for entry in entries.entries:
            if entry.position <= self.position:
                continue
            if isinstance(entry, StoreRestored) and entry.position > self._restored_at:
                self._events, self._restored_at, self.position = {}, entry.position, 0
                return
            self._count_entry(entry)
            self.position = entry.position
        self.position = max(self.position, entries.position)

    def _count_entry(self, entry: Entry) -> None:
        if isinstance(entry, PostsServed):
            for post_id in entry.post_ids:
                self._add(post_id, None, entry.position, is_positive=False)
        elif isinstance(entry, InteractionRecorded):
            done = entry.interaction
            if done is not None and done.verb in _POSITIVES | _IMPRESSIONS:
                self._add(done.post_id, done.external_id, entry.position, is_positive=done.verb in _POSITIVES)

    def _add(self, post_id: int | None, external_id: str | None, position: int, *, is_positive: bool) -> None:
        for number in self._rows_of(post_id, external_id):
            if self._counts(number):
                events = self._events.setdefault(number, array("q"))
                if len(events) < 2 * MOST_IMPRESSIONS:
                    events.append(2 * position + is_positive)

    def _counts(self, number: int) -> bool:
        return number >= len(self._is_counted) or bool(self._is_counted[number])

    def counts(self, number: int, *, position: int) -> tuple[int, int]:
        """The positives and the impressions of a post, as it is counted in the log, as of a position."""
        events = self._events.get(number)
        if events is None:
            return 0, 0
        known = events[: bisect_left(events, 2 * position + 2)]
        positives = sum(event & 1 for event in known)
        return positives, len(known) - positives

    def has_read(self, position: int, *, seconds: float) -> bool:
        """Whether the log is counted up to a position; waits up to ``seconds`` for it."""
        return self.position >= position or self._log.reach(self, position, seconds=seconds)

    def candidates(
        self, begun: BegunSearch, ids: LayeredIds, exploration: Exploration, *, also_often_shown: bool = False
    ) -> Candidates:
        """New posts with few impressions among those that a search may move, best first in its order.

        ``ids`` are those of its rows. The posts are as new and as little shown as of the search's position and moment,
        so all pages find the same. Those that are explored no more count in the sample, and are given as well if
        ``also_often_shown``: with MOST_IMPRESSIONS.
        """
        part, without = begun.part, np.unique(np.concatenate([begun.skip, begun.pinned, begun.ruled.boosted]))
        since, live = begun.moment_ms - _NEW_MS, part.layer.live
        newest = np.sort(self._by_age[self._moments.searchsorted(since) :])
        first, last = newest.searchsorted([part.span.start, part.span.stop])
        rows = part.with_live(newest[first:last] - part.span.start, live.created_at_ms[part.live_rows] >= since)
        rows = rows[~among_sorted(rows, without)]
        rows = rows[exploration.sample(ids.of(rows))]
        numbers = part.gathered_by(rows, lambda of_bundle: of_bundle, live.trend_rows)
        counts = {
            row: self.counts(number, position=part.position) if self._counts(number) else _OFTEN_SHOWN
            for row, number in zip(rows.tolist(), numbers.tolist(), strict=True)
        }
        found = [row for row, count in counts.items() if also_often_shown or max(count) < MOST_IMPRESSIONS]
        ranked = begun.order.among(np.sort(np.array(found, dtype=np.int64)))
        shown = np.array([counts[row] for row in ranked.rows.tolist()], dtype=np.int64).reshape(-1, 2)
        return Candidates(ranked, shown[:, 0], shown[:, 1])
