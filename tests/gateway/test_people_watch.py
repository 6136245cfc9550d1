"""The gateway hears of changes over a real stream, whatever becomes of the channel that it hears them by."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import grpc
import pytest

from gateway.people_changes import PeopleChanges
from gateway.people_watch import PeopleWatch
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.replicas import Replica


class Tower(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Tells its position again and again."""

    position = 1

    async def WatchPeople(  # noqa: N802 - gRPC's name
        self, request: user_tower_pb2.WatchPeopleRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[user_tower_pb2.WatchPeopleResponse]:
        while True:
            yield user_tower_pb2.WatchPeopleResponse(position=self.position, has_store=True)
            await asyncio.sleep(0.01)


@dataclass
class OneTower:
    """The one replica that there is now; a new channel takes its place when a name resolves anew."""

    replica: Replica

    def candidates(self) -> list[Replica]:
        return [self.replica]


def _replica(address: str) -> Replica:
    channel = grpc.aio.insecure_channel(address)
    return Replica(address, channel, user_tower_pb2_grpc.UserTowerServiceStub(channel), is_serving=True)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def _heard_after_the_channel_was_closed() -> int:
    server, tower = grpc.aio.server(), Tower()
    user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(tower, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    towers, changes = OneTower(_replica(address)), PeopleChanges(size=10)
    watching = asyncio.create_task(PeopleWatch(towers, changes).run())  # type: ignore[arg-type]
    try:
        await _until(lambda: changes.position == 1)
        old, towers.replica = towers.replica, _replica(address)
        await old.channel.close()
        tower.position = 2
        await _until(lambda: changes.position == 2 or watching.done())
        return changes.position
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await towers.replica.channel.close()
        await server.stop(None)


def test_a_channel_that_is_closed_here_does_not_end_the_watch() -> None:
    assert asyncio.run(_heard_after_the_channel_was_closed()) == 2


async def _cancelled() -> None:
    watching = asyncio.create_task(PeopleWatch(OneTower(_replica("127.0.0.1:1")), PeopleChanges(size=10)).run())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.wait_for(watching, 20)


def test_the_watch_ends_when_it_is_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_cancelled())
