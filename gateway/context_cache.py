"""What the user tower answered about users and moods, kept: a feed that needs nothing new takes one call less.

Entries belong to a bundle, as embeddings do. The replies of both services name the current bundle, and entries of any
other are not used. After a swap, feeds come from the old bundle, which is still held, until the first reply names the
new one: for as long as one request takes.
"""

from dataclasses import replace
from typing import Generic

from cachetools import LRUCache
from prometheus_client import Counter

from gateway.feed_types import ContextEncoder, EmbeddingT, FeedCategory, FeedContext, FoundPosts, PostSearch, Search

LOOKUPS = Counter("moodfeed_context_cache_lookups_total", "Contexts looked up in the gateway's memory.", ["found"])
_FOUND, _MISSED = LOOKUPS.labels("yes"), LOOKUPS.labels("no")
_SEEN_PER_PLACE = 1_000  # 8 KB
_LONGEST_KEY = 1_000  # code points of username and mood together; longer ones would take too much memory

_Key = tuple[str, str]  # bundle, and username or mood


class ContextCache(Generic[EmbeddingT]):
    """The ``size`` users and the ``size`` moods used last, each in its bundle, and the current bundle as last heard.

    A user with a long history takes the room of several. For one event loop.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._users: LRUCache[_Key, FeedContext[EmbeddingT]] = LRUCache(size, _weight)
        self._moods: LRUCache[_Key, EmbeddingT] = LRUCache(size)
        self.current_bundle_id = ""

    def find(self, username: str, mood: str, bundle_id: str) -> FeedContext[EmbeddingT] | None:
        """The context of a user and, unless it is empty, a mood in a bundle, the current one if ``bundle_id`` is empty.

        None unless both are kept; they may come from different requests.
        """
        bundle_id = bundle_id or self.current_bundle_id
        context = self._users.get((bundle_id, username))
        if context is not None and mood:
            embedding = self._moods.get((bundle_id, mood))
            context = None if embedding is None else replace(context, mood=embedding)
        (_FOUND if context else _MISSED).inc()
        return context

    def keep(self, username: str, mood: str, context: FeedContext[EmbeddingT]) -> None:
        """Keep a context, unless its mood is unavailable or its key too long."""
        if not self._size or context.mood_unavailable or len(username) + len(mood) > _LONGEST_KEY:
            return
        if _weight(context) <= self._size:
            self._users[context.bundle_id, username] = replace(context, mood=None)
        if mood and context.mood is not None:
            self._moods[context.bundle_id, mood] = context.mood


def _weight(context: FeedContext[EmbeddingT]) -> int:
    """The size of a user in the cache: one, plus one for each _SEEN_PER_PLACE posts in the history."""
    return 1 + len(context.seen_post_ids) // _SEEN_PER_PLACE


class CachingContextEncoder(Generic[EmbeddingT]):
    """A context encoder that asks another one only for what the cache does not hold."""

    def __init__(self, encoder: ContextEncoder[EmbeddingT], cache: ContextCache[EmbeddingT]) -> None:
        self._encoder = encoder
        self._cache = cache

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float
    ) -> FeedContext[EmbeddingT]:
        """Look up, or embed and keep."""
        context = self._cache.find(username, mood, bundle_id)
        if context is None:
            context = await self._encoder.encode_context(username, mood, bundle_id=bundle_id, seconds=seconds)
            self._cache.keep(username, mood, context)
            if not bundle_id:
                self._cache.current_bundle_id = context.bundle_id
        return context


class WatchingPostSearch(Generic[EmbeddingT]):
    """A post search that tells the cache which bundle its replies name as current."""

    def __init__(self, index: PostSearch[EmbeddingT], cache: ContextCache[EmbeddingT]) -> None:
        self._index = index
        self._cache = cache

    async def search_posts(self, search: Search[EmbeddingT], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        found = await self._index.search_posts(search, seconds=seconds)
        self._cache.current_bundle_id = found.current_bundle_id
        return found

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories."""
        return await self._index.list_categories(bundle_id=bundle_id, seconds=seconds)
