"""What this gateway has changed is in its own next answers: searches ask for the position of its newest write.

A replica of the index that is behind is waited for, or another one is asked. If none gets there in its share of the
time, as when the store does not answer, the search is made with what there is, and for a while no search waits.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Generic

import structlog
from prometheus_client import Counter

from gateway.feed_types import (
    DeadlineExceededError,
    EmbeddingT,
    FeedCategory,
    FoundPosts,
    PositionNotReachedError,
    PostSearch,
    Search,
)

_log = structlog.get_logger("gateway.own_writes")
_SHARE = 0.5  # of the time that the search has left
_PAUSE_SECONDS = 1.0
BEHIND = Counter(
    "moodfeed_searches_behind_total", "Searches made without this gateway's newest change of posts or rules."
)


class OwnWrites:
    """The position of the newest change of posts or rules through this gateway; for one event loop."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a monotonic clock, in seconds."""
        self._now = now
        self._position = 0
        self._paused_until = float("-inf")

    def note(self, position: int) -> None:
        """Take in that a change stands at a position of the log."""
        if position > self._position:
            self._position = position
            self._paused_until = float("-inf")

    @property
    def wanted(self) -> int:
        """The position that searches ask for; 0 for none."""
        return 0 if self._now() < self._paused_until else self._position

    def is_missing(self) -> None:
        """Take in that no replica has got there in time."""
        self._paused_until = self._now() + _PAUSE_SECONDS


class OwnWritesPostSearch(Generic[EmbeddingT]):
    """A post search that shows what this gateway has changed."""

    def __init__(self, index: PostSearch[EmbeddingT], own: OwnWrites) -> None:
        self._index = index
        self._own = own

    async def search_posts(self, search: Search[EmbeddingT], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        wanted = self._own.wanted
        if wanted <= search.at_least_position:
            return await self._index.search_posts(search, seconds=seconds)
        end = time.monotonic() + seconds
        try:
            return await self._index.search_posts(replace(search, at_least_position=wanted), seconds=_SHARE * seconds)
        except (PositionNotReachedError, DeadlineExceededError):
            self._own.is_missing()
            BEHIND.inc()
            _log.warning("index is behind", position=wanted)
        return await self._index.search_posts(search, seconds=end - time.monotonic())

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories."""
        return await self._index.list_categories(bundle_id=bundle_id, seconds=seconds)
