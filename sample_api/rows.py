"""Rows as JSON: what the stand-in serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Row: TypeAlias = Mapping[str, JsonValue]
Rows: TypeAlias = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of each endpoint, oldest first, as they are served.

    ``owner_posts`` are the posts of whoever holds the token: what an event path answers to a wrong secret.
    """

    views: Rows
    likes: Rows
    inspires: Rows
    ratings: Rows
    posts: Rows
    users: Rows
    owner_posts: Rows
