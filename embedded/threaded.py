"""What would block an event loop in one process, on threads: writes, and feeds that wait for the log."""

from collections.abc import Sequence

from bundle.embedding_space import Embedding
from embedded.coroutines import run_at_once
from embedded.feedback import LocalRecorder
from embedded.people import in_a_thread
from embedded.ports import LocalContextEncoder, LocalPostSearch
from gateway.feed_types import NO_WISH, FeedCategory, FeedContext, FoundPosts, LogWish, Search
from gateway.feedback_types import Interaction, Recorded

_LEEWAY_SECONDS = 1.0  # the wait for the log ends by itself, with an error that says more


class ThreadedRecorder:
    """An InteractionRecorder for an event loop: a thread writes."""

    def __init__(self, recorder: LocalRecorder) -> None:
        self._recorder = recorder

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions; once begun, it is finished, also if nobody waits for it any more."""
        return await in_a_thread(lambda: self._recorder.record_now(interactions), seconds=seconds)


class ThreadedContextEncoder:
    """A ContextEncoder for an event loop: where the log must be read up to a position, a thread waits for it."""

    def __init__(self, encoder: LocalContextEncoder) -> None:
        self._encoder = encoder

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext[Embedding]:
        """Embed a user and a mood; once begun, it is finished."""
        encoding = self._encoder.encode_context(username, mood, bundle_id=bundle_id, seconds=seconds, log=log)
        if log.at_least or log.wanted:
            return await in_a_thread(lambda: run_at_once(encoding), seconds=seconds + _LEEWAY_SECONDS)
        return await encoding


class ThreadedPostSearch:
    """A PostSearch for an event loop: where the log must be read up to a position, a thread waits for it."""

    def __init__(self, index: LocalPostSearch) -> None:
        self._index = index

    async def search_posts(self, search: Search[Embedding], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        searching = self._index.search_posts(search, seconds=seconds)
        if search.at_least_position:
            return await in_a_thread(lambda: run_at_once(searching), seconds=seconds + _LEEWAY_SECONDS)
        return await searching

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories."""
        return await self._index.list_categories(bundle_id=bundle_id, seconds=seconds)
