"""The types of the rows that the sample API serves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Row: TypeAlias = Mapping[str, JsonValue]


class Rows(Sequence[Row]):
    """Rows that are made when they are read, so that ten million of them fit in memory; a slice makes none."""

    __hash__ = None  # type: ignore[assignment]  # compared by content

    def __init__(self, indices: range, row_of: Callable[[int], Row]) -> None:
        """``row_of`` gives the row of an index, and an equal one each time."""
        self._indices = indices
        self._row_of = row_of

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows": ...
    def __getitem__(self, index: int | slice) -> "Row | Rows":
        if isinstance(index, slice):
            return Rows(self._indices[index], self._row_of)
        return self._row_of(self._indices[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and len(self) == len(other) and all(map(lambda a, b: a == b, self, other))


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of each endpoint, oldest first, as they are served.

    ``owner_posts`` are the posts of the token's owner: an event path returns them when its secret is wrong.
    """

    views: Rows
    likes: Rows
    inspires: Rows
    ratings: Rows
    posts: Rows
    users: Rows
    owner_posts: Rows
