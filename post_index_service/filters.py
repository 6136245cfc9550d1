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


@dataclass(frozen=True)
class Allowed:
    """The rows of a slice that pass: ``mask`` bool [rows of the slice], of which ``count`` are true.

    ``spans`` are the slices that they fill, relative to the start of the slice, if categories alone decide; otherwise
    None. If a filter ``names_categories``, a search is exact however many posts they have.
    """

    mask: Mask
    count: int
    spans: tuple[slice, ...] | None = None
    names_categories: bool = False

    @cached_property
    def rows(self) -> Rows:
        """The rows that pass, ascending; int64 [count]."""
        return np.flatnonzero(self.mask)

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return self.mask.nbytes + 8 * self.count


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
