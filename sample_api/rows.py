"""The types of the rows that the sample API serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Row: TypeAlias = Mapping[str, JsonValue]
Rows: TypeAlias = tuple[Row, ...]


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
