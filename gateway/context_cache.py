"""What the user tower said of users and moods, remembered: a feed that needs nothing new costs one hop less.

Embeddings belong to a bundle, and so do the entries. Which bundle is current, the replies of both services say; entries
of another one are not used. So after a swap feeds are of the old bundle, which is still held and whole, until the first
reply names the new one: for as long as a request takes.
"""

from collections import OrderedDict

from prometheus_client import Counter

from gateway.feed import Category, Context, PostIndex, Search, SearchResult, UserTower

LOOKUPS = Counter("moodfeed_context_cache_lookups_total", "Contexts looked up in the gateway's memory.", ["found"])
_LONGEST_KEY = 1_000  # code points of username and mood together: longer ones are not worth the memory

_Key = tuple[str, str, str]  # bundle, username, mood


class ContextCache:
    """The last ``size`` contexts, and the bundle that is current as far as anybody said."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._contexts: OrderedDict[_Key, Context] = OrderedDict()
        self.current_bundle_id = ""

    def find(self, username: str, mood: str, bundle_id: str) -> Context | None:
        """The context in the given bundle, the current one if that is empty."""
        key = (bundle_id or self.current_bundle_id, username, mood)
        context = self._contexts.get(key)
        if context is not None:
            self._contexts.move_to_end(key)
        LOOKUPS.labels("yes" if context else "no").inc()
        return context

    def keep(self, username: str, mood: str, context: Context) -> None:
        """Remember a context that is whole."""
        if context.mood_unavailable or len(username) + len(mood) > _LONGEST_KEY:
            return
        self._contexts[context.bundle_id, username, mood] = context
        if len(self._contexts) > self._size:
            self._contexts.popitem(last=False)


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
