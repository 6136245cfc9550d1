"""Which rows a query looks at, and which ones it names: those of a slice of the bundle, and live ones after them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bundle.index_posts import IndexPosts
from post_index_service.allowed_posts import AllowedPosts
from post_index_service.attributes import Attributes
from post_index_service.codes import NO_ROWS, Rows, among_sorted
from post_index_service.division import WHOLE, Shard
from post_index_service.external_ids import ExternalIds
from post_index_service.filters import NO_FILTERS
from post_index_service.layer import Layer, LayerPart
from post_index_service.live_posts import LivePosts
from post_index_service.named_rows import NamedRows
from post_index_service.query import Query
from post_index_service.ranking import Ranked
from post_index_service.ruled_rows import RuledRows
from post_index_service.search_errors import CategoryNotFoundError, WrongShardError


class QueryRows:
    """The rows of one bundle; may be called from several threads."""

    def __init__(
        self,
        posts: IndexPosts,
        names: NamedRows,
        slices: Mapping[int, slice],
        attributes: Attributes,
        shard: Shard = WHOLE,
    ) -> None:
        """``slices`` are those of the categories; all posts of the ``shard`` are searched at once."""
        self._post_ids = posts.post_ids
        self._shard, self._held = shard, shard.rows(posts.category_ids)
        self._names, self._slices = names, slices
        self._external_ids: ExternalIds = names.external_ids
        self._allowed = AllowedPosts(attributes, slices)
        # What most searches look at: without filters, by category, in the newest layer that a search has met.
        self._newest: tuple[Layer | None, dict[int | None, LayerPart]] = None, {}

    def part(self, query: Query, live: LivePosts) -> LayerPart:
        """The rows that the query looks at; raises CategoryNotFoundError for any category that has no post there."""
        layer = live.as_of(query.posts_position, at_least=query.at_least_position, seconds=query.seconds)
        position = layer.position if query.posts_position is None else query.posts_position
        if position < layer.changed or query.filters != NO_FILTERS:
            return self._part(query, layer, position)
        newest, known = self._newest
        if newest is not layer:
            known = {}
            self._newest = layer, known
        part = known.get(query.category_id)
        if part is None:
            part = known[query.category_id] = self._part(query, layer, layer.position)
        return part if part.position == position else replace(part, position=position)

    def _part(self, query: Query, layer: Layer, position: int) -> LayerPart:
        named = [*(() if query.category_id is None else (query.category_id,)), *query.filters.category_ids]
        for number in named:
            if not layer.has_category(number, self._slices.get(number), position=position):
                raise CategoryNotFoundError("invalid category id", category_id=str(number))
        is_one = named and (query.category_id is not None or len(set(named)) == 1)
        if is_one and not self._shard.has(named[0]):
            raise WrongShardError(f"category {named[0]} is not in shard {self._shard.number}")
        # A category may have live posts alone, and then no slice.
        none = slice(self._held.start, self._held.start)
        span = self._slices.get(named[0], none) if is_one else self._held
        allowed, unwanted = self._allowed.of(query.filters, span)
        return layer.part(
            span,
            named[0] if is_one else None,
            position=position,
            filters=query.filters,
            allowed=allowed,
            unwanted=unwanted,
        )

    def excluded(self, query: Query, part: LayerPart, ruled: RuledRows) -> Rows:
        """The visible rows that are in no place of the ranking, ascending."""
        parts = [part.without_live(part.unwanted)] if len(part.unwanted) else []
        if len(ruled.hidden):
            parts.append(ruled.hidden)
        if query.exclude_post_ids:
            parts.append(self.visible(part, query.exclude_post_ids))
        if query.not_interested_post_ids:
            parts.append(self.visible(part, query.not_interested_post_ids))
        if query.exclude_external_ids:
            called = self._external_ids.rows_in(part.span, query.exclude_external_ids)
            parts.append(part.with_called(called, query.exclude_external_ids))
        if len(parts) > 1:
            return np.unique(np.concatenate(parts))
        return parts[0] if parts else NO_ROWS

    def seen(self, query: Query, part: LayerPart, excluded: Rows) -> Rows:
        """The visible rows that the user has seen and that are not ``excluded``, ascending."""
        if not query.seen_post_ids:
            return NO_ROWS
        seen = self.visible(part, query.seen_post_ids)
        return seen[~among_sorted(seen, excluded)] if len(excluded) else seen

    def shown(self, page: Ranked, query: Query, part: LayerPart, ruled: RuledRows) -> Ranked:
        """The page without the rows that keep their places and are not shown."""
        withheld = self.withheld(query, part, ruled)
        return page.without(withheld) if len(withheld) else page

    def withheld(self, query: Query, part: LayerPart, ruled: RuledRows) -> Rows:
        """The rows that keep their places and are not shown, ascending."""
        withheld = [rows for rows in (part.taken_away(), ruled.hidden_since) if len(rows)]
        if query.withheld_post_ids:
            withheld.append(self.visible(part, query.withheld_post_ids))
        return np.unique(np.concatenate(withheld)) if withheld else NO_ROWS

    def visible(self, part: LayerPart, post_ids: Sequence[int]) -> Rows:
        """The visible rows of the posts with these ids, ascending."""
        return part.with_posts(self.in_slice(part.span, post_ids), post_ids) if post_ids else NO_ROWS

    def in_slice(self, span: slice, post_ids: Sequence[int]) -> Rows:
        """The rows of the posts with these ids that lie in the slice, ascending and relative to its start."""
        if not post_ids or span.stop == span.start:
            return NO_ROWS
        wanted = np.array(post_ids, dtype=np.int64)
        is_whole = span.stop - span.start == len(self._post_ids)
        is_category = not is_whole and span != self._held  # within a category the posts ascend by id
        ids = self._post_ids[span] if is_category else self._names.sorted_ids
        rows = ids.searchsorted(wanted)
        rows = np.unique(rows[ids.take(rows, mode="clip") == wanted])
        if is_category:
            return rows
        rows = np.sort(self._names.rows_by_id[rows].astype(np.int64))
        return rows if is_whole else rows[(rows >= span.start) & (rows < span.stop)] - span.start
