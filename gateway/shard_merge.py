"""Merges the rankings of the shards of an index into the ranking that one index with all their posts would give.

Every shard gives each post the number that the whole index would give it. Left to do here is what needs all shards: the
order among their posts, and the numbers that depend on the largest reach of all.
"""

import struct
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from moodfeed.post_index.v1 import post_index_pb2

PINNED, SEEN, BOOSTED, WITHHELD = 1, 2, 4, 8
"""The bits of RankPostsResponse.kinds."""
SEEN_LOWER, PINNED_HIGHER = 3.0, 4.0
"""Times the largest reach: how far seen posts are lowered, and the number of pinned ones."""
_FLOAT = struct.Struct("<f")


class MergedPost(NamedTuple):
    """A post of the merged ranking: which answer it is from, its place there, and the number that orders it.

    ``is_renumbered`` if its shard may have given it another one, ``is_withheld`` if it keeps its place and is not
    shown.
    """

    answer: int
    place: int
    number: float
    is_renumbered: bool
    is_withheld: bool


class _Ranked(NamedTuple):
    number: float
    last_id: int  # the largest id of the posts up to there, in the same ranking, that have the same number
    post_id: int
    answer: int
    place: int
    kind: int


def merged(answers: Sequence[post_index_pb2.RankPostsResponse], count: int, *, offset: int = 0) -> Sequence[MergedPost]:
    """The first ``count`` posts of all shards together, without the first ``offset``.

    Each answer has at least as many as ``count``, or all posts of its shard.
    """
    if not any(answer.trends or any(answer.kinds) for answer in answers):
        ordered = sorted(entry for number, answer in enumerate(answers) for entry in _plain(number, answer))
        return [
            MergedPost(answer, place, -number, is_renumbered=False, is_withheld=False)
            for number, _, answer, place in ordered[offset:count]
        ]
    reach = max((answer.reach for answer in answers), default=0.0)
    pinned: list[_Ranked] = []
    tiers: tuple[_Tier, _Tier] = _Tier(), _Tier()  # what was not seen, and what was
    for number, answer in enumerate(answers):
        for place, (post_id, value, kind) in enumerate(zip(answer.post_ids, answer.numbers, answer.kinds, strict=True)):
            ranked = _Ranked(value, post_id, post_id, number, place, kind)
            if kind & PINNED:
                pinned.append(ranked)
            else:
                tiers[bool(kind & SEEN)].take(ranked, answer)
    pinned.sort()
    unseen, seen = (tier.ranked() for tier in tiers)
    highest, lower = in_float32(PINNED_HIGHER * reach), in_float32(SEEN_LOWER * reach)
    both = [
        *(_post(ranked, highest, is_renumbered=True) for ranked in pinned),
        *(_post(ranked, ranked.number) for ranked in unseen[:count]),
        *(_post(ranked, in_float32(ranked.number - lower), is_renumbered=True) for ranked in seen[:count]),
    ]
    return both[offset:count]


def _plain(number: int, answer: post_index_pb2.RankPostsResponse) -> Iterator[tuple[float, int, int, int]]:
    """The posts of an answer in which numbers and ids alone decide, as they are sorted: the number is negative."""
    last_number, last_id = 0.0, -1
    for place, (post_id, value) in enumerate(zip(answer.post_ids, answer.numbers, strict=True)):
        last_id = post_id if value != last_number or post_id > last_id else last_id
        last_number = value
        yield -value, last_id, number, place


def in_float32(number: float) -> float:
    """The number rounded to 32 bits, as the index computes."""
    (rounded,) = _FLOAT.unpack(_FLOAT.pack(number))
    return float(rounded)


def _post(ranked: _Ranked, number: float, *, is_renumbered: bool = False) -> MergedPost:
    return MergedPost(ranked.answer, ranked.place, number, is_renumbered, bool(ranked.kind & WITHHELD))


class _Tier:
    """Posts of which any may come before any other: those whose numbers a rule has changed are merged last."""

    def __init__(self) -> None:
        self._others: list[tuple[tuple[float, float, int], _Ranked]] = []  # with what they are sorted by
        self._boosted: list[_Ranked] = []
        self._last: _Ranked | None = None

    def take(self, ranked: _Ranked, answer: post_index_pb2.RankPostsResponse) -> None:
        """Take the next post of an answer, in its order."""
        if ranked.kind & BOOSTED:
            self._boosted.append(ranked)
            return
        if answer.trends:
            key = -answer.trends[ranked.place], -answer.popularity[ranked.place], ranked.post_id
        else:
            ranked = self._last = _following(self._last, ranked)
            key = -ranked.number, 0.0, ranked.last_id
        self._others.append((key, ranked))

    def ranked(self) -> list[_Ranked]:
        """All that was taken, best first."""
        self._others.sort(key=itemgetter(0))
        others = [ranked for _, ranked in self._others]
        if not self._boosted:
            return others
        numbered: list[_Ranked] = []
        for ranked in others:
            before = numbered[-1].last_id if numbered and numbered[-1].number == ranked.number else ranked.post_id
            numbered.append(ranked._replace(last_id=max(ranked.post_id, before)))
        return sorted([*numbered, *self._boosted], key=lambda ranked: (-ranked.number, ranked.last_id))


def _following(last: _Ranked | None, ranked: _Ranked) -> _Ranked:
    """A post of a shard whose ranking gives several posts one number in an order of its own."""
    if last is None or last.answer != ranked.answer or last.number != ranked.number:
        return ranked
    return ranked._replace(last_id=max(last.last_id, ranked.post_id))
