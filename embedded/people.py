"""A person's data in one process: the store of this process, for a thread that may block and for an event loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from bundle.held_bundles import HeldBundles
from embedded.feedback import or_feed_error
from embedded.ports import Models
from gateway.feed_types import DeadlineExceededError
from gateway.feedback_types import PersonNotFoundError
from moodfeed.feedback.v1 import feedback_pb2
from user_tower_service.people_messages import write_export
from user_tower_service.people_store import PeopleStore

_Answer = TypeVar("_Answer")


class LocalPeople:
    """What operators ask about people, answered by the calling thread."""

    def __init__(self, people: PeopleStore) -> None:
        self._people = people

    def export_person(self, username: str) -> feedback_pb2.ExportPersonResponse:
        """Everything that is kept about a person; PersonNotFoundError if nothing is."""
        export = or_feed_error(lambda: self._people.export_person(username))
        if export is None:
            raise PersonNotFoundError
        return write_export(export)

    def delete_person(self, username: str) -> int:
        """Delete a person; gives the position from which on they are unknown."""
        return or_feed_error(lambda: self._people.delete_person(username))

    def merge_people(self, merged: str, *, into: str) -> int:
        """Make one person another; gives the position from which on they are one."""
        return or_feed_error(lambda: self._people.merge_people(merged, into=into))


class ThreadedPeople:
    """The same for an event loop: a thread asks the store."""

    def __init__(self, people: LocalPeople) -> None:
        self._people = people

    async def export_person(self, username: str, *, seconds: float) -> feedback_pb2.ExportPersonResponse:
        """Everything that is kept about a person; PersonNotFoundError if nothing is."""
        return await in_a_thread(lambda: self._people.export_person(username), seconds=seconds)

    async def delete_person(self, username: str, *, seconds: float) -> int:
        """Delete a person; gives the position from which on they are unknown."""
        return await in_a_thread(lambda: self._people.delete_person(username), seconds=seconds)

    async def merge_people(self, merged: str, *, into: str, seconds: float) -> int:
        """Make one person another; gives the position from which on they are one."""
        return await in_a_thread(lambda: self._people.merge_people(merged, into=into), seconds=seconds)


class ThreadedKnownPeople:
    """Knows whom a feed can be requested for: the users of the current bundle."""

    def __init__(self, held: HeldBundles[Models]) -> None:
        self._held = held

    async def list_people(self, *, seconds: float) -> Sequence[str]:
        """Those with the longest histories."""
        return await in_a_thread(self._held.current.encoder.longest_known, seconds=seconds)


async def in_a_thread(call: Callable[[], _Answer], *, seconds: float) -> _Answer:
    """What a call of the store answers within ``seconds``; DeadlineExceededError after that.

    Once begun, the call is finished, also if nobody waits for it any more.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(call)
    except TimeoutError as error:
        raise DeadlineExceededError("the deadline of the request passed") from error
