"""The names of the shards of an index, as the stages that a feed can go without."""

import re
from collections.abc import Iterable

SHARD_UNAVAILABLE = "SHARD_UNAVAILABLE"
_NAME = re.compile(r"shard (\d+) of (\d+)")


def name_of_shard(number: int, shards: int) -> str:
    """As the index and its settings count: from 0 on."""
    return f"shard {number} of {shards}"


def shards_of(stages: Iterable[str]) -> frozenset[tuple[int, int]]:
    """The shards among stages: which one, of how many."""
    found = (_NAME.fullmatch(stage) for stage in stages)
    return frozenset((int(match[1]), int(match[2])) for match in found if match)
