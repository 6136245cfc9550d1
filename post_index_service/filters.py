"""Which posts a search may return, by their category, account, moment and language."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from post_index_service.attributes import Attributes
from post_index_service.codes import Rows

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Filters:
    """A post passes if no field leaves it out; post_index.proto documents each field."""

    category_ids: tuple[int, ...] = ()
    excluded_category_ids: tuple[int, ...] = ()
    excluded_owner_usernames: tuple[str, ...] = ()
    created_after_ms: int | None = None
    languages: tuple[str, ...] = ()

    def without_owners(self, owner_usernames: Sequence[str] = ()) -> "Filters":
        """The filters with other excluded accounts, by default none."""
        return replace(self, excluded_owner_usernames=tuple(owner_usernames))


NO_FILTERS = Filters()


@dataclass(frozen=True, eq=False)
class Allowed:
    """The rows of a slice of ``length`` rows that pass, ``count`` of them.

    ``spans`` are the slices that they fill, ascending and relative to the start of the slice, if categories alone
    decide; otherwise they are those of ``known_mask``, bool [length]. If a filter ``names_categories``, a search is
    exact however many posts they have. One that ``comes_again`` is remembered for other searches. ``filters`` are what
    leaves the rows, for an engine that filters itself.
    """

    length: int
    count: int
    spans: tuple[slice, ...] | None = None
    known_mask: Mask | None = None
    names_categories: bool = False
    comes_again: bool = False
    filters: Filters = NO_FILTERS

    @classmethod
    def by_mask(cls, mask: Mask, *, names_categories: bool = False) -> "Allowed":
        """The rows of a mask of the slice."""
        return cls(len(mask), int(np.count_nonzero(mask)), known_mask=mask, names_categories=names_categories)

    @classmethod
    def by_spans(cls, spans: Sequence[slice], *, length: int, names_categories: bool) -> "Allowed":
        """The rows of slices that ascend: as fast for many rows as for few."""
        count = sum(part.stop - part.start for part in spans)
        return cls(length, count, spans=tuple(spans), names_categories=names_categories)

    @property
    def mask(self) -> Mask:
        """Which rows pass: bool [length]."""
        if self.known_mask is not None:
            return self.known_mask
        mask = np.zeros(self.length, dtype=np.bool_)
        for part in self.spans or ():
            mask[part] = True
        return mask

    @property
    def rows(self) -> Rows:
        """The rows that pass, ascending; int64 [count]."""
        if self.spans is None:
            return self._rows_of_mask
        return np.concatenate([np.arange(0), *(np.arange(part.start, part.stop) for part in self.spans)])

    def passes(self, rows: Rows) -> Mask:
        """Which of the rows pass."""
        if self.known_mask is not None:
            return np.asarray(self.known_mask[rows])
        return np.asarray(self._edges.searchsorted(rows, side="right") & 1, dtype=np.bool_)

    @property
    def size(self) -> int:
        """The bytes that it takes at most."""
        if self.known_mask is not None:
            return self.known_mask.nbytes + 8 * self.count
        return 1_000 + 200 * len(self.spans or ())

    @cached_property
    def _rows_of_mask(self) -> Rows:
        return np.flatnonzero(self.mask)

    @cached_property
    def _edges(self) -> NDArray[np.int64]:
        return np.array([edge for part in self.spans or () for edge in (part.start, part.stop)], dtype=np.int64)


def mask_of(filters: Filters, attributes: Attributes, span: slice) -> Mask | None:
    """Which rows of a slice pass by moment, language and account; None if all do."""
    parts: list[Mask] = []
    if filters.created_after_ms is not None:
        parts.append(attributes.created_ms[span] > filters.created_after_ms)
    if filters.languages:
        parts.append(attributes.languages.is_any_of(filters.languages, span))
    excluded = [rows_within(attributes.owners.rows_of(name), span) for name in filters.excluded_owner_usernames]
    if not parts and not any(map(len, excluded)):
        return None
    mask = parts[0] if parts else np.ones(span.stop - span.start, dtype=np.bool_)
    for part in parts[1:]:
        mask &= part
    for rows in excluded:
        mask[rows] = False
    return mask


def rows_within(rows: NDArray[np.int32], span: slice) -> Rows:
    """Of rows that ascend those in a slice, relative to its start."""
    first, end = rows.searchsorted(span.start), rows.searchsorted(span.stop)
    within: Rows = rows[first:end].astype(np.int64) - span.start
    return within
