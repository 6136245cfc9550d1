"""How the posts of a bundle are divided over the shards of an index: by category, and by the bundle alone.

The posts of a bundle ascend by category. A shard holds all categories from one id up to another, so its posts are one
slice of every array, which stays in the bundle's file. A category is never cut, however large it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_SHARDS = 64
_NONE_LEFT = np.iinfo(np.int32).max
"""Where a shard begins that no category is left for."""


@dataclass(frozen=True, slots=True)
class Division:
    """``first_category_ids`` are those at which the second shard and the ones after it begin, ascending.

    Posts without a category count as category 0, and so they belong to the first shard. A category that only live
    posts have belongs to the shard between whose first ids it lies.
    """

    first_category_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, category_ids: NDArray[np.int32], shards: int) -> "Division":
        """The division of posts whose categories ascend, into as many shards, the largest of which is smallest."""
        numbers, counts = np.unique(category_ids, return_counts=True)
        sizes = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        least, most = max(sizes.values(), default=0), len(category_ids)
        while least < most:  # the smallest room of a shard that is enough
            middle = (least + most) // 2
            if len(_firsts(sizes, middle)) < shards:
                most = middle
            else:
                least = middle + 1
        firsts = _firsts(sizes, most)
        return cls((*firsts, *[_NONE_LEFT] * (shards - 1 - len(firsts))))

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.first_category_ids) + 1

    def shard(self, number: int) -> "Shard":
        """One of them, from 0 on."""
        firsts = self.first_category_ids
        return Shard(number, self, firsts[number - 1] if number else None, (*firsts, None)[number])


def _firsts(sizes: Mapping[int, int], room: int) -> list[int]:
    """Where shards begin after the first one, if each takes as many categories as it has room for."""
    firsts: list[int] = []
    taken = 0
    for number, size in sizes.items():
        if taken and taken + size > room:
            firsts.append(number)
            taken = 0
        taken += size
    return firsts


@dataclass(frozen=True, slots=True)
class Shard:
    """The shard ``number`` of a division: the categories from ``first`` on up to ``end``, None for no such limit."""

    number: int
    division: Division
    first: int | None = None
    end: int | None = None

    @property
    def name(self) -> str:
        """As people read it."""
        return name_of_shard(self.number, self.division.shards)

    @property
    def is_whole(self) -> bool:
        """Whether there is no other shard."""
        return not self.division.first_category_ids

    def rows(self, category_ids: NDArray[np.int32]) -> slice:
        """The slice of the posts whose categories ascend that it holds."""
        start = 0 if self.first is None else int(category_ids.searchsorted(self.first))
        return slice(start, len(category_ids) if self.end is None else int(category_ids.searchsorted(self.end)))

    def has(self, category_id: int) -> bool:
        """Whether a category is in it."""
        return (self.first is None or category_id >= self.first) and (self.end is None or category_id < self.end)

    def holds(self, category_ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of the categories are in it."""
        held = np.ones(len(category_ids), dtype=np.bool_)
        if self.first is not None:
            held &= category_ids >= self.first
        if self.end is not None:
            held &= category_ids < self.end
        return held


WHOLE = Division().shard(0)


def name_of_shard(number: int, shards: int) -> str:
    """As people read it: shards are counted from 0 on, as in the settings."""
    return f"shard {number} of {shards}"
