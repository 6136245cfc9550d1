"""What lies over the posts of a bundle at one position of the log, and the part of it that a search looks at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.index_posts import Category
from bundle.served_posts import PostTable, ServedPost
from post_index_service.codes import NO_ROWS, Rows, among_sorted
from post_index_service.division import WHOLE, Shard
from post_index_service.ended_rows import NONE_ENDED, EndedRows
from post_index_service.filters import NO_FILTERS, Allowed, Filters
from post_index_service.live_segment import LiveRows
from post_index_service.rules import RuleBook, RuleVersion

NO_RULES = RuleBook()
_NOT_THERE = -2  # no number of an account or a language


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """It never changes, but for what is taken away: a search that has begun with it ends with it.

    Searches as of ``known_since`` and later positions can be answered; as of all from ``changed`` on the answer is the
    same. ``accounts`` and ``languages`` are the numbers in ``live``. All live posts are there, also those that other
    shards than ``shard`` rank.
    """

    position: int
    known_since: int
    live: LiveRows
    changed: int = 0
    ended: EndedRows = NONE_ENDED
    rules: RuleBook = NO_RULES
    shard: Shard = WHOLE
    category_names: Mapping[int, str] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    _newest: dict[int | None, Rows] = field(default_factory=dict)  # visible rows of the live segment by category

    @property
    def is_empty(self) -> bool:
        """Whether searches find what the bundle alone gives."""
        return not (len(self.live) or len(self.ended.rows) or self.rules.versions)

    def has_category(self, category_id: int, span: slice | None, *, position: int) -> bool:
        """Whether a category has a visible post as of a position; ``span`` is its slice of the bundle, if any."""
        if span is not None:
            if not len(self.ended.rows):
                return True
            ended = self.ended.within(span)
            if span.stop - span.start > (ended.positions <= position).sum():
                return True
        return category_id > 0 and bool(len(self.live_rows(category_id, position=position)))

    def live_rows(self, category_id: int | None, *, position: int) -> Rows:
        """The rows of the live segment that are visible as of a position, in a category or in all, ascending."""
        if not len(self.live):
            return NO_ROWS
        is_newest = position == self.position  # what ends later changes nothing as of it
        if is_newest and (known := self._newest.get(category_id)) is not None:
            return known
        is_visible = self.live.visible(position)
        if category_id is not None:
            is_visible &= self.live.category_ids == category_id
        rows = np.flatnonzero(is_visible)
        if is_newest:
            self._newest[category_id] = rows
        return rows

    def part(
        self,
        span: slice,
        category_id: int | None,
        *,
        position: int,
        filters: Filters,
        allowed: Allowed | None,
        unwanted: Rows,
    ) -> "LayerPart":
        """What a search in a slice of the bundle and in a category, None for all, looks at as of a position.

        Of the slice, ``allowed`` rows pass the filters, None if all do, but for the ``unwanted`` ones.
        """
        live_rows = self.live_rows(category_id, position=position)
        if len(live_rows) and filters != NO_FILTERS:
            live_rows = live_rows[self._passes(filters)[live_rows]]
        elsewhere: Rows | None = None
        if category_id is None and not self.shard.is_whole:
            is_held = self.shard.holds(self.live.category_ids[live_rows])
            live_rows, elsewhere = live_rows[is_held], live_rows[~is_held]
        ended = self.ended.within(span)
        if allowed is not None and len(ended.rows):
            is_allowed = allowed.passes(ended.rows)
            ended = EndedRows(ended.rows[is_allowed], ended.positions[is_allowed], ended.is_gone[is_allowed])
        masked = ended.rows[ended.positions <= position] if len(ended.rows) else NO_ROWS
        of_slice = span.stop - span.start if allowed is None else allowed.count
        return LayerPart(
            layer=self,
            span=span,
            frozen_count=span.stop - span.start,
            position=position,
            allowed=allowed,
            unwanted=unwanted,
            live_rows=live_rows,
            masked=masked,
            count=of_slice - len(masked) + len(live_rows),
            gone=ended.rows[(ended.positions > position) & ended.is_gone] if len(ended.rows) else NO_ROWS,
            elsewhere=elsewhere,
        )

    def _passes(self, filters: Filters) -> NDArray[np.bool_]:
        """Which rows of the live segment pass the filters."""
        live = self.live
        passes = np.ones(len(live), dtype=np.bool_)
        if filters.category_ids:
            passes &= np.isin(live.category_ids, filters.category_ids)
        if filters.excluded_category_ids:
            passes &= ~np.isin(live.category_ids, filters.excluded_category_ids)
        if filters.excluded_owner_usernames:
            passes &= ~np.isin(live.owners, self.accounts_of(filters.excluded_owner_usernames))
        if filters.created_after_ms is not None:
            passes &= live.created_at_ms > filters.created_after_ms
        if filters.languages:
            wanted = [self.languages.get(name.casefold(), _NOT_THERE) for name in filters.languages if name]
            passes &= np.isin(live.languages, wanted)
        return passes

    def accounts_of(self, usernames: Sequence[str]) -> list[int]:
        """The numbers of accounts that live posts have."""
        return [self.accounts.get(name, _NOT_THERE) for name in usernames]

    def count(self, of_bundle: int) -> int:
        """The number of visible posts over a bundle of so many."""
        return of_bundle - len(self.ended.rows) + len(self.live_rows(None, position=self.position))

    def counts(self, slices: Mapping[int, slice], names: Mapping[int, Category]) -> dict[Category, int]:
        """The number of visible posts of each category that has any, ascending by id."""
        counts = {number: span.stop - span.start for number, span in slices.items()}
        for number, span in slices.items():
            counts[number] -= len(self.ended.within(span).rows)
        live = self.live.category_ids[self.live.visible(self.position)]
        for number, count in zip(*(values.tolist() for values in np.unique(live, return_counts=True)), strict=True):
            counts[number] = counts.get(number, 0) + count

        def category(number: int) -> Category:
            known = names[number].name if number in names else ""
            return Category(number, self.category_names.get(number, known))

        return {category(number): count for number, count in sorted(counts.items()) if number > 0 and count}


@dataclass(frozen=True, slots=True, eq=False)
class LayerPart:
    """The rows that a search looks at: those of a slice, 0 to ``frozen_count``, and then all of the live segment.

    ``live_rows`` are those of the segment that are visible and pass the filters, from 0 on. Of the slice, ``allowed``
    rows do, None for all; among them ``masked`` rows are not visible, and ``gone`` ones keep their places and are not
    shown. ``count`` rows of both are visible and pass the filters, but for the ``unwanted`` ones. If other shards rank
    posts as well, ``elsewhere`` are their rows of the segment that are visible and pass the filters.
    """

    layer: Layer
    span: slice
    frozen_count: int
    position: int
    allowed: Allowed | None
    unwanted: Rows
    live_rows: Rows
    masked: Rows
    count: int
    gone: Rows
    elsewhere: Rows | None = None

    def categories_of(
        self, post_ids: Sequence[int], numbers: Sequence[int | None], of_bundle: NDArray[np.int32]
    ) -> list[int]:
        """The categories of the posts with these ids that are known, in their order: of live forms that are visible.

        All others have the category that ``of_bundle`` holds in the row that is their one of ``numbers``.
        """
        live, known = self.layer.live, {}
        if len(live) and len(post_ids):
            rows = np.flatnonzero(np.isin(live.ids, post_ids) & live.visible(self.position))
            known = dict(zip(live.ids[rows].tolist(), live.category_ids[rows].tolist(), strict=True))
        found: list[int] = []
        for post_id, number in zip(post_ids, numbers, strict=True):
            if post_id in known:
                found.append(known[post_id])
            elif number is not None and number < len(of_bundle):
                found.append(int(of_bundle[number]))
        return found

    def with_live(self, frozen: Rows, is_wanted: NDArray[np.bool_]) -> Rows:
        """Visible rows of both segments, ascending: of the slice, and those of ``live_rows`` that are wanted."""
        if self.allowed is not None:
            frozen = frozen[self.allowed.passes(frozen)]
        if len(self.masked):
            frozen = frozen[~among_sorted(frozen, self.masked)]
        if not len(self.live_rows):
            return frozen
        return np.concatenate([frozen, self.live_rows[is_wanted] + self.frozen_count])

    def gathered(self, rows: Rows, frozen: NDArray[Any], live: NDArray[Any]) -> NDArray[Any]:
        """The values of rows: of an array of all rows of the bundle, and of one of all rows of the live segment."""
        return self.gathered_by(rows, lambda of_bundle: frozen[of_bundle], live)

    def gathered_by(self, rows: Rows, frozen: Callable[[Rows], NDArray[Any]], live: NDArray[Any]) -> NDArray[Any]:
        """The same with a function of rows of the bundle."""
        is_live = rows >= self.frozen_count
        if not is_live.any():
            return frozen(self.span.start + rows)
        of_bundle = frozen(self.span.start + rows[~is_live])
        values = np.empty((len(rows), *live.shape[1:]), dtype=live.dtype)
        values[~is_live] = of_bundle
        values[is_live] = live[rows[is_live] - self.frozen_count]
        return values

    def numbers(self, rows: Rows, *, count: int) -> NDArray[np.int64]:
        """What names rows for ever: rows of the bundle, of which there are ``count``, and serials after them."""
        numbers: NDArray[np.int64] = self.span.start + rows
        if not len(self.live_rows):
            return numbers
        is_live = rows >= self.frozen_count
        if is_live.any():
            numbers[is_live] = count + self.layer.live.serials[rows[is_live] - self.frozen_count]
        return numbers

    def with_posts(self, frozen: Rows, post_ids: Sequence[int]) -> Rows:
        """The rows of posts with these ids; ``frozen`` are those of the slice."""
        if not len(post_ids):
            return frozen
        if not len(self.live_rows):
            return self.with_live(frozen, np.zeros(0, dtype=np.bool_))
        wanted = np.sort(np.array(post_ids, dtype=np.int64))
        return self.with_live(frozen, among_sorted(self.layer.live.ids[self.live_rows], wanted))

    def with_called(self, frozen: Rows, external_ids: Sequence[str]) -> Rows:
        """The same by external id."""
        wanted = set(external_ids)
        called = (self.layer.live.post(row).external_id in wanted for row in self.live_rows.tolist())
        return self.with_live(frozen, np.fromiter(called, dtype=np.bool_, count=len(self.live_rows)))

    def without_live(self, frozen: Rows) -> Rows:
        """The visible ones of rows of the slice."""
        if not len(frozen):
            return frozen
        return self.with_live(frozen, np.zeros(len(self.live_rows), dtype=np.bool_))

    def named_by(self, version: RuleVersion) -> Rows:
        """The visible rows that a rule names."""
        rule, live, span = version.rule, self.layer.live, self.span
        first, last = version.rows.searchsorted([span.start, span.stop])
        owners = self.layer.accounts_of(rule.owner_usernames)
        rows = self.live_rows
        is_named = (
            np.isin(live.ids[rows], rule.post_ids)
            | np.isin(live.category_ids[rows], rule.category_ids)
            | np.isin(live.owners[rows], owners)
        )
        return self.with_live(version.rows[first:last] - span.start, is_named)

    def taken_away(self) -> Rows:
        """Rows that keep their places and are not shown: their posts were taken away after the position."""
        if not len(self.live_rows):
            return self.gone
        is_gone = self.layer.live.is_gone[self.live_rows]
        if not is_gone.any():
            return self.gone
        return np.concatenate([self.gone, self.live_rows[is_gone] + self.frozen_count])


@dataclass(frozen=True, slots=True, eq=False)
class LayeredPosts:
    """The posts of both segments: rows of the bundle from 0 on, and after them the serials of the live segment."""

    frozen: PostTable
    live: LiveRows

    def at(self, rows: NDArray[np.int64]) -> list[ServedPost]:
        """The posts at ``rows``, in that order."""
        count = len(self.frozen)
        is_live = rows >= count
        if not is_live.any():
            return self.frozen.at(rows)
        of_bundle = iter(self.frozen.at(rows[~is_live]))
        places = iter(self.live.serials.searchsorted(rows[is_live] - count).tolist())
        return [self.live.post(next(places)) if live else next(of_bundle) for live in is_live.tolist()]
