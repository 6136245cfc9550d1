"""Why a post is where it is in a ranking."""

from collections.abc import Mapping
from enum import Enum

from post_index_service.codes import NO_ROWS, Rows
from post_index_service.rankings import Ranking


class Reason(Enum):
    """Why a post is where it is; each value is the name in the contract."""

    USER = "REASON_USER"
    MOOD_AND_USER = "REASON_MOOD_AND_USER"
    MOOD = "REASON_MOOD"
    POPULAR = "REASON_POPULAR"
    TRENDING = "REASON_TRENDING"
    SIMILAR = "REASON_SIMILAR"
    PINNED = "REASON_PINNED"
    BOOSTED = "REASON_BOOSTED"
    EXPLORATION = "REASON_EXPLORATION"

    __hash__ = object.__hash__  # that of Enum is a Python function, and each post of each page is hashed by its reason


OF_RANKING: Mapping[Ranking, Reason] = {
    Ranking.USER: Reason.USER,
    Ranking.MOOD_THEN_USER: Reason.MOOD_AND_USER,
    Ranking.MOOD: Reason.MOOD,
    Ranking.POPULAR: Reason.POPULAR,
    Ranking.TRENDING: Reason.TRENDING,
    Ranking.SIMILAR: Reason.SIMILAR,
}
"""The reason of a post that the ranking alone has put where it is."""


def reasons_of(
    rows: Rows, ranking: Ranking, *, pinned: Rows, boosted: Rows, explored: Rows = NO_ROWS
) -> tuple[Reason, ...]:
    """The reason of each row of a page, among which some may be pinned or boosted by a rule, or explored."""
    of_ranking = OF_RANKING[ranking]
    if not (len(pinned) or len(boosted) or len(explored)):
        return (of_ranking,) * len(rows)
    moved = {
        **dict.fromkeys(explored.tolist(), Reason.EXPLORATION),
        **dict.fromkeys(boosted.tolist(), Reason.BOOSTED),
        **dict.fromkeys(pinned.tolist(), Reason.PINNED),
    }
    return tuple(moved.get(row, of_ranking) for row in rows.tolist())
