"""What the user tower said of users and moods, remembered: a feed that needs nothing new costs one hop less.

Embeddings belong to a bundle, and so do the entries. Which bundle is current, the replies of both services say; entries
of another one are not used. So after a swap feeds are of the old bundle, which is still held and whole, until the first
reply names the new one: for as long as a request takes.
"""

from collections import OrderedDict
from dataclasses import replace
from typing import Generic, TypeVar

from prometheus_client import Counter

from gateway.feed import Category, Context, PostIndex, Search, SearchResult, UserTower

LOOKUPS = Counter("moodfeed_context_cache_lookups_total", "Contexts looked up in the gateway's memory.", ["found"])
_FOUND, _MISSED = LOOKUPS.labels("yes"), LOOKUPS.labels("no")
_LONGEST_KEY = 1_000  # code points of username and mood together: longer ones are not worth the memory

_Key = tuple[str, str]  # bundle, and username or mood
_Part = TypeVar("_Part")


class ContextCache:
    """The last ``size`` users and as many moods, each in its bundle, and the bundle that is current as far as known."""

    def __init__(self, size: int) -> None:
        self._users: _Recent[Context] = _Recent(size)
        self._moods: _Recent[object] = _Recent(size)
        self.current_bundle_id = ""

    def find(self, username: str, mood: str, bundle_id: str) -> Context | None:
        """The context in the given bundle, the current one if that is empty: of a known user, and a known mood if any.

        The two may have been asked for in different requests.
        """
        bundle_id = bundle_id or self.current_bundle_id
        context = self._users.find((bundle_id, username))
        if context is not None and mood:
            embedding = self._moods.find((bundle_id, mood))
            context = None if embedding is None else replace(context, mood=embedding)
        (_FOUND if context else _MISSED).inc()
        return context

    def keep(self, username: str, mood: str, context: Context) -> None:
        """Remember a context that is whole."""
        if context.mood_unavailable or len(username) + len(mood) > _LONGEST_KEY:
            return
        self._users.keep((context.bundle_id, username), replace(context, mood=None))
        if mood and context.mood is not None:
            self._moods.keep((context.bundle_id, mood), context.mood)


class _Recent(Generic[_Part]):
    """What was used last, at most ``size``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: OrderedDict[_Key, _Part] = OrderedDict()

    def find(self, key: _Key) -> _Part | None:
        part = self._parts.get(key)
        if part is not None:
            self._parts.move_to_end(key)
        return part

    def keep(self, key: _Key, part: _Part) -> None:
        self._parts[key] = part
        if len(self._parts) > self._size:
            self._parts.popitem(last=False)


class RememberingUserTower:
    """A user tower that is asked only for what is not remembered."""

    def __init__(self, tower: UserTower, cache: ContextCache) -> None:
        self._tower = tower
        self._cache = cache

    async def encode_context(self, username: str, mood: str, *, bundle_id: str, seconds: float) -> Context:
        """Remember, or embed."""
        mood = mood.strip()
        context = self._cache.find(username, mood, bundle_id)
        if context is None:
            context = await self._tower.encode_context(username, mood, bundle_id=bundle_id, seconds=seconds)
            self._cache.keep(username, mood, context)
            if not bundle_id:
                self._cache.current_bundle_id = context.bundle_id
        return context


class WatchingPostIndex:
    """A post index whose replies say which bundle is current."""

    def __init__(self, index: PostIndex, cache: ContextCache) -> None:
        self._index = index
        self._cache = cache

    async def search_posts(self, search: Search, *, seconds: float) -> SearchResult:
        """Rank posts."""
        result = await self._index.search_posts(search, seconds=seconds)
        self._cache.current_bundle_id = result.current_bundle_id
        return result

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[Category, ...]:
        """All valid categories."""
        return await self._index.list_categories(bundle_id=bundle_id, seconds=seconds)
