"""The replicas of all shards of an index: calls that any process of the index can answer go to any of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.clients import PostIndexStub
from rpc.replicas import Replica, Replicas


class ShardReplicas:
    """Watches the replicas of each shard; for one event loop. It is Replicas for the calls of any process."""

    def __init__(self, service: str, shards: Sequence[Replicas[PostIndexStub]]) -> None:
        self.service = service
        self.shards = tuple(shards)

    @property
    def on_change(self) -> Callable[[], Awaitable[None]] | None:
        """Called whenever a replica becomes well or ceases to be."""
        return self.shards[0].on_change

    @on_change.setter
    def on_change(self, listener: Callable[[], Awaitable[None]] | None) -> None:
        for shard in self.shards:
            shard.on_change = listener

    @property
    def is_serving(self) -> bool:
        """Whether any shard is: without the others feeds are degraded."""
        return any(shard.is_serving for shard in self.shards)

    def candidates(self) -> list[Replica[PostIndexStub]]:
        """The replicas to ask, of all shards."""
        found = [replica for shard in self.shards for replica in shard.candidates()]
        return [replica for replica in found if replica.is_well] or found

    def leave_alone(self, replica: Replica[PostIndexStub]) -> None:
        """Take a replica that did not answer in time out of the candidates of its shard."""
        for shard in self.shards:
            if replica in shard.candidates():
                shard.leave_alone(replica)

    async def start(self) -> None:
        """Find the replicas for the first time."""
        await asyncio.gather(*(shard.start() for shard in self.shards))

    async def run(self) -> None:
        """Keep finding the replicas until cancelled."""
        await asyncio.gather(*(shard.run() for shard in self.shards))
