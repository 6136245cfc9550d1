"""What the user tower answered about users and moods, kept: a feed that needs nothing new takes one call less.

Entries belong to a bundle, as embeddings do. The replies of both services name the current bundle, and entries of any
other are not used. After a swap, feeds come from the old bundle, which is still held, until the first reply names the
new one: for as long as one request takes.

What is kept of a user is used only as long as every change of the user would have been heard of.
"""

from dataclasses import replace
from typing import Generic

from cachetools import LRUCache
from prometheus_client import Counter

from gateway.feed_types import (
    NO_WISH,
    ContextEncoder,
    EmbeddingT,
    FeedCategory,
    FeedContext,
    FoundPosts,
    LogWish,
    PostSearch,
    Search,
)
from gateway.people_changes import PeopleChanges
from rpc.tracing import current

LOOKUPS = Counter("moodfeed_context_cache_lookups_total", "Contexts looked up in the gateway's memory.", ["found"])
_FOUND, _MISSED = LOOKUPS.labels("yes"), LOOKUPS.labels("no")
_SEEN_PER_PLACE = 1_000  # 8 KB
_MOST_BUNDLES = 3  # that users are kept of: two are held, and one may have just gone
_LONGEST_KEY = 1_000  # code points of username and mood together; longer ones would take too much memory

_Key = tuple[str, str]  # bundle, and username or mood


class ContextCache(Generic[EmbeddingT]):
    """The ``size`` users and the ``size`` moods used last, each in its bundle, and the current bundle as last heard.

    A user with a long history takes the room of several. For one event loop.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._users: LRUCache[_Key, FeedContext[EmbeddingT]] = LRUCache(size, _weight)
        self._moods: LRUCache[_Key, EmbeddingT | None] = LRUCache(size)  # None says nothing about a mood
        self._bundles: tuple[str, ...] = ()  # of which users are kept
        self.current_bundle_id = ""

    def find(self, username: str, mood: str, bundle_id: str) -> FeedContext[EmbeddingT] | None:
        """The context of a user and, unless it is empty, a mood in a bundle, the current one if ``bundle_id`` is empty.

        None unless both are kept; they may come from different requests.
        """
        bundle_id = bundle_id or self.current_bundle_id
        context = self._users.get((bundle_id, username))
        if context is not None and mood:
            key = bundle_id, mood
            embedding = self._moods.get(key)
            is_kept = embedding is not None or key in self._moods
            context = replace(context, mood=embedding, mood_not_understood=embedding is None) if is_kept else None
        (_FOUND if context else _MISSED).inc()
        return context

    def forget(self, username: str | None) -> None:
        """Forget a user in every bundle, or all users."""
        if username is None:
            self._users.clear()
        elif self._bundles:
            for bundle_id in self._bundles:
                self._users.pop((bundle_id, username), None)

    def _forget_bundles(self, bundle_ids: tuple[str, ...]) -> None:
        for key in [key for key in self._users if key[0] in bundle_ids]:
            del self._users[key]

    def keep(self, username: str, mood: str, context: FeedContext[EmbeddingT]) -> None:
        """Keep a context, unless its mood is unavailable or its key too long."""
        if not self._size or context.mood_unavailable or len(username) + len(mood) > _LONGEST_KEY:
            return
        if _weight(context) <= self._size:
            self._users[context.bundle_id, username] = replace(context, mood=None, mood_not_understood=False)
            if context.bundle_id not in self._bundles:
                self._forget_bundles(self._bundles[_MOST_BUNDLES - 1 :])
                self._bundles = (context.bundle_id, *self._bundles)[:_MOST_BUNDLES]
        if mood and (context.mood is not None or context.mood_not_understood):
            self._moods[context.bundle_id, mood] = context.mood


def _weight(context: FeedContext[EmbeddingT]) -> int:
    """The size of a user in the cache: one, plus one for each _SEEN_PER_PLACE posts in the history."""
    return 1 + len(context.seen_post_ids) // _SEEN_PER_PLACE


class CachingContextEncoder(Generic[EmbeddingT]):
    """A context encoder that asks another one only for what the cache does not hold, or holds of another position."""

    def __init__(
        self, encoder: ContextEncoder[EmbeddingT], cache: ContextCache[EmbeddingT], changes: PeopleChanges | None = None
    ) -> None:
        """``changes`` says who has changed; without it, contexts that a log stands behind are never kept."""
        self._encoder = encoder
        self._cache = cache
        self._changes = changes
        if changes is not None:
            changes.forget = cache.forget

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext[EmbeddingT]:
        """Look up, or embed and keep."""
        # What was shown is told anew each time: it changes with each answer, and as time passes.
        must_ask = log.feed or log.served_since_ms
        context = None if must_ask else self._cache.find(username, mood, bundle_id)
        fitting = context and self._as_wished(context, log)
        if fitting:
            current().note(remembered=True)
            return fitting
        last_change = self._changes.last_change_of(username) if self._changes else 0
        if last_change:  # a later page needs it too: what has become not interesting leaves it at once
            log = replace(log, wanted=last_change)
        context = await self._encoder.encode_context(username, mood, bundle_id=bundle_id, seconds=seconds, log=log)
        if log.as_of is None and not context.served_since_ms and self._is_newest(username, context):
            self._cache.keep(username, mood, context)
        if not bundle_id:
            self._cache.current_bundle_id = context.bundle_id
        return context

    def _as_wished(self, context: FeedContext[EmbeddingT], log: LogWish) -> FeedContext[EmbeddingT] | None:
        """A kept context as of the position that is wished for; None if it cannot be known to be that."""
        if context.position is None:  # no log stands behind it
            return None if log.at_least else context
        if self._changes is None or not self._changes.is_current:
            return None
        # Of a user who is still kept, no change has been heard up to the position that has been heard.
        position = max(context.position, self._changes.position)
        if log.as_of is not None:
            return replace(context, position=log.as_of) if context.changed_position <= log.as_of <= position else None
        return replace(context, position=position) if position >= log.at_least else None

    def _is_newest(self, username: str, context: FeedContext[EmbeddingT]) -> bool:
        if context.position is None:
            return True
        return self._changes is not None and context.position >= self._changes.last_change_of(username)


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
