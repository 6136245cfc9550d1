"""Long lists of values in parts that one IN (...) holds."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

MOST_BINDS = 5000  # SQLite takes 32,766 values in one statement, PostgreSQL 65,535

_Item = TypeVar("_Item")


def in_parts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists of at most MOST_BINDS; no list is empty."""
    rest = iter(items)
    while part := list(islice(rest, MOST_BINDS)):
        yield part
