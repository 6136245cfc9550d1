"""Listens to one tower about changes of people; when the tower falls silent, to another."""

import asyncio

import grpc
import structlog

from gateway.people_changes import LONGEST_SILENCE_SECONDS, PeopleChanges
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.replicas import Replica, Replicas

_RETRY_SECONDS = 0.1
_OLD_TOWER_SECONDS = 5.0

_log = structlog.get_logger("gateway.people_watch")


class PeopleWatch:
    """Keeps the changes up to date; for one event loop."""

    def __init__(self, towers: Replicas[user_tower_pb2_grpc.UserTowerServiceStub], changes: PeopleChanges) -> None:
        self._towers = towers
        self._changes = changes
        self._turn = 0
        self._has_heard = False

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            candidates = self._towers.candidates()
            pause = _RETRY_SECONDS
            if candidates:
                try:
                    await self._listen(candidates[self._turn % len(candidates)])
                except TimeoutError:
                    _log.warning("user tower does not stream changes of people")
                except asyncio.CancelledError:
                    # gRPC cancels a call whose channel was closed: a replica has left, or its certificate was renewed.
                    if (task := asyncio.current_task()) and task.cancelling():
                        raise
                except grpc.aio.AioRpcError as error:
                    if error.code() is grpc.StatusCode.UNIMPLEMENTED:  # a tower of before: nobody changes there
                        pause = _OLD_TOWER_SECONDS
                self._turn += 1
            await asyncio.sleep(pause)

    async def _listen(self, tower: Replica[user_tower_pb2_grpc.UserTowerServiceStub]) -> None:
        after = self._changes.position if self._has_heard else None
        stream = tower.stub.WatchPeople(user_tower_pb2.WatchPeopleRequest(after_position=after))
        try:
            while True:
                async with asyncio.timeout(LONGEST_SILENCE_SECONDS):
                    message = await stream.read()
                if not isinstance(message, user_tower_pb2.WatchPeopleResponse):  # the stream has ended
                    return
                self._has_heard = True
                self._changes.hear(
                    message.position,
                    message.usernames,
                    is_everybody=message.is_everybody,
                    has_store=message.has_store,
                )
        finally:
            stream.cancel()
