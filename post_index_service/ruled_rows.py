"""What the operators' rules do with the rows of one search."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from post_index_service.codes import Rows, Scores, among_sorted
from post_index_service.layer import LayerPart
from post_index_service.layered_ranking import Boosted, LayeredIds, Pinned
from post_index_service.ranking import Order
from post_index_service.rules import RuleVersion
from store.rules import RuleAction

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class RuledRows:
    """Rows of a search: ``pinned`` in their order, all others ascending, with ``boosts`` float32 of the boosted ones.

    ``hidden`` rows are not in the ranking; ``hidden_since`` keep their places and are not shown.
    """

    pinned: Rows
    boosted: Rows
    boosts: Scores
    hidden: Rows
    hidden_since: Rows


NO_RULES = RuledRows(_NONE, _NONE, _NONE.astype(np.float32), _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class RuledSearch:
    """A search in a slice of the bundle and a category, None for all, as of a position, at a moment.

    ``now_ms`` is the moment at which hidden posts must not be shown any more.
    """

    part: LayerPart
    span: slice
    ids: LayeredIds
    category_id: int | None
    position: int
    moment_ms: int
    now_ms: int

    def rows(self) -> RuledRows:
        """What the rules that count do."""
        layer = self.part.layer
        if not layer.rules.versions:
            return NO_RULES
        counting = layer.rules.counting(position=self.position, moment_ms=self.moment_ms, category_id=self.category_id)
        now = layer.rules.counting(position=layer.position, moment_ms=self.now_ms, category_id=self.category_id)
        hidden = self._named(counting, RuleAction.HIDE)
        boosted = self._named(counting, RuleAction.BOOST)
        return RuledRows(
            pinned=self._pinned(counting),
            boosted=boosted,
            boosts=self._boosts(counting, boosted),
            hidden=hidden,
            hidden_since=np.setdiff1d(self._named(now, RuleAction.HIDE), hidden, assume_unique=True),
        )

    def _named(self, versions: Sequence[RuleVersion], action: RuleAction) -> Rows:
        parts = [self.part.named_by(version, self.span) for version in versions if version.rule.action is action]
        return np.unique(np.concatenate(parts)) if parts else _NONE

    def _pinned(self, versions: Sequence[RuleVersion]) -> Rows:
        """Of several rules, the first by name."""
        for version in versions:
            if version.rule.action is RuleAction.PIN:
                rows = self.part.named_by(version, self.span)
                by_id = dict(zip(self.ids.of(rows).tolist(), rows.tolist(), strict=True))
                in_order = [by_id[post_id] for post_id in dict.fromkeys(version.rule.post_ids) if post_id in by_id]
                return np.array(in_order, dtype=np.int64)
        return _NONE

    def _boosts(self, versions: Sequence[RuleVersion], boosted: Rows) -> Scores:
        """The sum of all boosts of each row, at most 1 up or down."""
        boosts = np.zeros(len(boosted), dtype=np.float64)
        for version in versions:
            if version.rule.action is RuleAction.BOOST:
                boosts[among_sorted(boosted, self.part.named_by(version, self.span))] += version.rule.boost
        return np.clip(boosts, -1, 1).astype(np.float32)


def with_rules(order: Order, ids: LayeredIds, *, pinned: Rows, ruled: RuledRows, left_out: Rows) -> Order:
    """An order with what rules move in it: the ``pinned`` rows that it may show, and all boosted ones.

    Rows that are ``left_out`` (ascending) are in no ranking.
    """
    is_left = ~(among_sorted(ruled.boosted, left_out) | np.isin(ruled.boosted, pinned))
    if is_left.any():
        order = Boosted(order, ids, ruled.boosted[is_left], ruled.boosts[is_left])
    return Pinned(order, pinned) if len(pinned) else order
