"""The gateway's memory of what answers showed, kept in the store of this process."""

import asyncio
from collections.abc import Sequence

from embedded.feedback import or_feed_error
from gateway.feed_messages import post_id_of
from gateway.served_memory import Remembered
from user_tower_service.people_store import PeopleStore


class LocalServedMemory:
    """A ServedMemory whose coroutine never waits: the calling thread writes."""

    def __init__(self, people: PeopleStore) -> None:
        self._people = people

    async def remember_served(
        self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int, seconds: float
    ) -> Remembered:
        """Remember what an answer shows; once begun, it is finished."""
        return self.remember_now(username, posts, feed_id=feed_id, read_up_to=read_up_to)

    def remember_now(self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int) -> Remembered:
        """Remember what an answer shows; blocks until that is durable."""
        post_ids = [post_id_of(post) for post in posts]
        claim = or_feed_error(
            lambda: self._people.remember_served(username, post_ids, feed_id=feed_id, read_up_to=read_up_to)
        )
        return Remembered(claim.position, is_taken=claim.is_taken)


class ThreadedServedMemory:
    """A ServedMemory for an event loop: a thread writes."""

    def __init__(self, memory: LocalServedMemory) -> None:
        self._memory = memory

    async def remember_served(
        self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int, seconds: float
    ) -> Remembered:
        """Remember what an answer shows; once begun, it is finished, also if nobody waits for it any more."""
        return await asyncio.to_thread(
            self._memory.remember_now, username, posts, feed_id=feed_id, read_up_to=read_up_to
        )
