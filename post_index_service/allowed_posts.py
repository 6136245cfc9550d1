"""Finds the posts that filters allow, and remembers the filters that are asked for again.

An account has few posts, as a rule, and every user has an account of their own: its posts are skipped one by one. The
other filters are the same for many users, and give a mask of the slice.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from cachetools import LRUCache

from post_index_service.attributes import Attributes
from post_index_service.codes import NO_ROWS, Rows
from post_index_service.filters import NO_FILTERS, Allowed, Filters, mask_of, rows_within

MOST_BYTES = 64_000_000
"""The most that is remembered."""
MOST_SKIPPED = 2_000
"""The most posts of one account that are skipped one by one."""
_HOUR_MS = 3_600_000
_MOST_COMPARED = 200_000  # posts whose moments are looked at; of more, the mask is made as fast
_MOST_MET = 10_000  # filters that were asked for once, each in a slice

_Key = tuple[int, int, Filters]


class AllowedPosts:
    """The posts of one segment under any filters; may be called from several threads."""

    def __init__(self, attributes: Attributes, slices: Mapping[int, slice], *, most_bytes: int = MOST_BYTES) -> None:
        """``slices`` are those of the categories."""
        self._attributes, self._slices = attributes, slices
        self._met: LRUCache[int, None] = LRUCache(_MOST_MET)  # hashes of keys: a collision costs memory alone
        self._known: LRUCache[_Key, Allowed] = LRUCache(
            most_bytes, getsizeof=lambda allowed: min(allowed.size, most_bytes)
        )
        self._lock = threading.Lock()  # cachetools leaves locking to its callers

    def of(self, filters: Filters, span: slice) -> tuple[Allowed | None, Rows]:
        """What passes in a slice, None if everything does, and rows to skip; both relative to its start.

        The latter ascend, and each comes once.
        """
        if filters == NO_FILTERS:
            return None, NO_ROWS
        few: list[Rows] = []
        many: list[str] = []
        for name in set(filters.excluded_owner_usernames):
            rows = rows_within(self._attributes.owners.rows_of(name), span)
            if len(rows) > MOST_SKIPPED:
                many.append(name)
            elif len(rows):
                few.append(rows)
        skipped = np.sort(np.concatenate(few)) if few else NO_ROWS
        shared = filters.without_owners(sorted(many))
        if shared == NO_FILTERS:
            return None, skipped
        allowed, late = self._near(shared, span)
        if allowed is None:
            return None, skipped
        return allowed, np.union1d(skipped[allowed.passes(skipped)], late)

    def _near(self, filters: Filters, span: slice) -> tuple[Allowed | None, Rows]:
        """What passes in a slice, or a little more of it and which of that is too much.

        The moments of two requests seldom are the same. So the whole hour is remembered in which a moment lies, and
        posts that were made in the hour before the moment are skipped.
        """
        moment, none = filters.created_after_ms, np.zeros(0, dtype=np.int64)
        if moment is None:
            return self._remembered(filters, span), none
        of_hour = replace(filters, created_after_ms=moment // _HOUR_MS * _HOUR_MS)
        with self._lock:
            known = self._known.get((span.start, span.stop, of_hour))
        if known is not None and known.count <= _MOST_COMPARED:
            rows = known.rows
            late = rows[self._attributes.created_ms[span][rows] <= moment]
            if len(late) <= MOST_SKIPPED:
                return known, late
        allowed = self._remembered(filters, span)
        if allowed is not None and allowed.count <= _MOST_COMPARED and known is None:
            self._remembered(of_hour, span, only_again=True)
        return allowed, none

    def _remembered(self, filters: Filters, span: slice, *, only_again: bool = False) -> Allowed | None:
        """What passes in a slice; remembered if it is asked for again, and with ``only_again`` not made before."""
        key = (span.start, span.stop, filters)
        with self._lock:
            known = self._known.get(key)
            is_new = hash(key) not in self._met
            self._met[hash(key)] = None
        if known is not None or (is_new and only_again):
            return known
        allowed = self._made(filters, span)
        if allowed is not None:
            allowed = replace(allowed, comes_again=not is_new, filters=filters)
        if allowed is not None and not is_new:
            with self._lock:
                self._known[key] = allowed
        return allowed

    def _made(self, filters: Filters, span: slice) -> Allowed | None:
        parts = self._parts(filters, span)
        named = bool(filters.category_ids)
        if parts == [(span.start, span.stop)] and not named:
            mask = mask_of(filters, self._attributes, span)
            return None if mask is None else Allowed.by_mask(mask)
        masks = [mask_of(filters, self._attributes, slice(start, stop)) for start, stop in parts]
        places = [slice(start - span.start, stop - span.start) for start, stop in parts]
        length = span.stop - span.start
        if all(mask is None for mask in masks):  # the categories decide alone
            return Allowed.by_spans(places, length=length, names_categories=named)
        whole = np.zeros(length, dtype=np.bool_)
        for place, mask in zip(places, masks, strict=True):
            whole[place] = True if mask is None else mask
        return Allowed.by_mask(whole, names_categories=named)

    def _parts(self, filters: Filters, span: slice) -> list[tuple[int, int]]:
        """The parts of a slice that the categories leave, each from a row to another, ascending and not touching."""
        if filters.category_ids:
            parts = self._categories(set(filters.category_ids) - set(filters.excluded_category_ids))
        else:
            excluded = self._categories(filters.excluded_category_ids)
            starts, stops = [start for start, _ in excluded], [stop for _, stop in excluded]
            parts = list(zip([span.start, *stops], [*starts, span.stop], strict=True))
        apart: list[tuple[int, int]] = []
        for first, end in parts:
            start, stop = max(first, span.start), min(end, span.stop)
            if start >= stop:
                continue
            if apart and apart[-1][1] == start:
                start = apart.pop()[0]
            apart.append((start, stop))
        return apart

    def _categories(self, category_ids: Iterable[int]) -> list[tuple[int, int]]:
        slices = [self._slices[number] for number in set(category_ids) if number in self._slices]
        return sorted((part.start, part.stop) for part in slices)
