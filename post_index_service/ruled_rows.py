"""What the operators' rules do with the rows of one search."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from post_index_service.codes import NO_ROWS, Rows, Scores, among_sorted
from post_index_service.layer import LayerPart
from post_index_service.layered_ranking import Boosted, LayeredIds, Pinned
from post_index_service.ranking import Order
from store.rules import Rule, RuleAction


@dataclass(frozen=True, slots=True)
class RuledRows:
    """Rows of a search: ``pinned`` in their order, all others ascending, with ``boosts`` float32 of the boosted ones.

    ``hidden`` rows are not in the ranking; ``hidden_since`` keep their places and are not shown. ``pin_places`` are the
    places of the pinned rows in their rule, some of whose posts may be missing.
    """

    pinned: Rows
    boosted: Rows
    boosts: Scores
    hidden: Rows
    hidden_since: Rows
    pin_places: Rows = field(default_factory=lambda: NO_ROWS)
    naming: tuple[tuple[str, Rows], ...] = ()  # names of the rules that pin and boost, and the rows that they name

    def names(self, row: int) -> tuple[str, ...]:
        """The names of the rules that pin or boost a row."""
        return tuple(name for name, rows in self.naming if row in rows)


NO_RULES = RuledRows(NO_ROWS, NO_ROWS, NO_ROWS.astype(np.float32), NO_ROWS, NO_ROWS)


@dataclass(frozen=True, slots=True)
class RuledSearch:
    """A search in a category, None for all, at a moment.

    ``now_ms`` is the moment at which hidden posts must not be shown any more.
    """

    part: LayerPart
    ids: LayeredIds
    category_id: int | None
    moment_ms: int
    now_ms: int

    def rows(self) -> RuledRows:
        """What the rules that count do."""
        then = self._counting(self.part.position, self.moment_ms)
        now = then if self._is_now else self._counting(self.part.layer.position, self.now_ms)
        hidden = _rows(then, RuleAction.HIDE)
        boosted = _rows(then, RuleAction.BOOST)
        pinned, pin_places = self._pinned(then)
        return RuledRows(
            pinned=pinned,
            boosted=boosted,
            boosts=_boosts(then, boosted),
            hidden=hidden,
            hidden_since=np.setdiff1d(_rows(now, RuleAction.HIDE), hidden, assume_unique=True),
            pin_places=pin_places,
            naming=tuple((rule.name, rows) for rule, rows in then if rule.action is not RuleAction.HIDE),
        )

    @property
    def _is_now(self) -> bool:
        return self.part.position == self.part.layer.position and self.moment_ms == self.now_ms

    def _counting(self, position: int, moment_ms: int) -> Sequence[tuple[Rule, Rows]]:
        """The rules that count, by name, with the visible rows that each of them names."""
        counting = self.part.layer.rules.counting(position=position, moment_ms=moment_ms, category_id=self.category_id)
        return [(version.rule, self.part.named_by(version)) for version in counting]

    def _pinned(self, counting: Sequence[tuple[Rule, Rows]]) -> tuple[Rows, Rows]:
        """Of several rules, the first by name: its rows in their order, and their places in it."""
        for rule, rows in counting:
            if rule.action is RuleAction.PIN:
                by_id = dict(zip(self.ids.of(rows).tolist(), rows.tolist(), strict=True))
                ids = dict.fromkeys(rule.post_ids)
                in_order = [(by_id[post_id], place) for place, post_id in enumerate(ids) if post_id in by_id]
                pinned, places = np.array(in_order, dtype=np.int64).reshape(-1, 2).T
                return pinned, places
        return NO_ROWS, NO_ROWS


def _rows(counting: Sequence[tuple[Rule, Rows]], action: RuleAction) -> Rows:
    parts = [rows for rule, rows in counting if rule.action is action]
    return np.unique(np.concatenate(parts)) if parts else NO_ROWS


def _boosts(counting: Sequence[tuple[Rule, Rows]], boosted: Rows) -> Scores:
    """The sum of all boosts of each row, at most 1 up or down."""
    boosts = np.zeros(len(boosted), dtype=np.float64)
    for rule, rows in counting:
        if rule.action is RuleAction.BOOST:
            boosts[among_sorted(boosted, rows)] += rule.boost
    return np.clip(boosts, -1, 1).astype(np.float32)


def with_rules(order: Order, ids: LayeredIds, *, pinned: Rows, ruled: RuledRows, left_out: tuple[Rows, Rows]) -> Order:
    """An order with what rules move in it: the ``pinned`` rows that it may show, and all boosted ones.

    Rows that are ``left_out`` are in no ranking; each of the two ascends.
    """
    if not (len(pinned) or len(ruled.boosted)):
        return order
    is_left = ~np.isin(ruled.boosted, np.concatenate([*left_out, pinned]))
    if is_left.any():
        order = Boosted(order, ids, ruled.boosted[is_left], ruled.boosts[is_left])
    return Pinned(order, pinned) if len(pinned) else order
