"""The replicas of one service: which addresses there are, and which of the processes behind them are well.

A replica is well while its health says SERVING and it answers in time. One that does not answer is left alone until its
health does.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import Gauge

from rpc.channel import open_channel
from rpc.host_names import HostNames
from rpc.tls import ClientTls
from rpc.watched_files import WatchedFiles

WELL = Gauge("moodfeed_downstream_replicas_well", "Replicas that are SERVING and answer.", ["service"])

_WATCH_RETRY_SECONDS = 0.2
_PROBE_SECONDS = 0.5
_RESOLVE_SECONDS = 5.0

_log = structlog.get_logger("rpc.replicas")
Stub = TypeVar("Stub")


@dataclass(slots=True, eq=False)
class Replica(Generic[Stub]):
    """One process of a service, as far as this process knows it."""

    address: str
    channel: grpc.aio.Channel
    stub: Stub
    is_serving: bool | None = None  # what its health says; None before it has said anything
    is_unresponsive: bool = False  # it did not answer in time, and has not answered since
    watching: asyncio.Task[None] | None = None
    probing: asyncio.Task[None] | None = None  # held here because an event loop holds its tasks weakly

    @property
    def is_well(self) -> bool:
        """Whether it said SERVING, and answers."""
        return self.is_serving is True and not self.is_unresponsive

    @property
    def may_be_well(self) -> bool:
        """Whether nothing is known against it."""
        return self.is_serving is not False and not self.is_unresponsive


class Replicas(Generic[Stub]):
    """Finds and watches the replicas of a service; for one event loop.

    ``addresses`` have the forms of rpc.addresses; a host name stands for every address that it resolves to, and is
    resolved again every few seconds. A name that cannot be resolved keeps the replicas that it had. ``stub`` makes the
    generated stub of a channel. ``on_change``, if set, is called whenever a replica becomes well or ceases to be.
    Raises FileContentError if the files of ``tls`` cannot be used; files that become bad later are logged, and the
    credentials before them stay in use.
    """

    def __init__(
        self,
        service: str,
        addresses: Sequence[str],
        stub: Callable[[grpc.aio.Channel], Stub],
        *,
        tls: ClientTls | None = None,
    ) -> None:
        self.service = service
        self.addresses = tuple(addresses)
        self.on_change: Callable[[], Awaitable[None]] | None = None
        self._stub = stub
        self._live_credentials = WatchedFiles(tls.paths, tls.credentials) if tls else None
        self._credentials = self._live_credentials.current() if self._live_credentials else None
        self._host_names = HostNames(service)
        self._replicas: dict[str, Replica[Stub]] = {}
        WELL.labels(service).set_function(lambda: self.well)

    @property
    def is_serving(self) -> bool:
        """Whether any replica is well."""
        return self.well > 0

    @property
    def well(self) -> int:
        """The number of replicas that are well."""
        return sum(replica.is_well for replica in self._replicas.values())

    def candidates(self) -> list[Replica[Stub]]:
        """The replicas to ask: those that are well or, while none is known to be, those that may be."""
        well = [replica for replica in self._replicas.values() if replica.is_well]
        return well or [replica for replica in self._replicas.values() if replica.may_be_well]

    def leave_alone(self, replica: Replica[Stub]) -> None:
        """Take a replica that did not answer in time out of the candidates until its health answers."""
        if replica.is_unresponsive:
            return
        replica.is_unresponsive = True
        _log.warning("replica unresponsive", service=self.service, address=replica.address)
        replica.probing = asyncio.create_task(self._probe(replica))

    async def start(self) -> None:
        """Find the replicas for the first time."""
        await self._resolve()

    async def run(self) -> None:
        """Keep finding the replicas until cancelled; then close all channels."""
        try:
            while True:
                await asyncio.sleep(_RESOLVE_SECONDS)
                await self._resolve()
        finally:
            for replica in list(self._replicas.values()):
                await _close(replica)

    async def _resolve(self) -> None:
        found = await self._host_names.targets_of(self.addresses)  # with the host that a certificate must name
        kept = set() if self._has_new_credentials() else found.keys()
        removed = [self._replicas.pop(address) for address in self._replicas.keys() - kept]
        for address in sorted(found.keys() - self._replicas.keys()):
            channel = open_channel(address, self._credentials, host=found[address])
            replica = Replica(address, channel, self._stub(channel))
            self._replicas[address] = replica
            replica.watching = asyncio.create_task(self._watch(replica))
        for replica in removed:
            await _close(replica)
        if any(replica.address not in found for replica in removed):
            await self._tell()

    def _has_new_credentials(self) -> bool:
        """Whether the files of TLS have changed: an open channel keeps the credentials that it was made with."""
        if self._live_credentials is None:
            return False
        before, self._credentials = self._credentials, self._live_credentials.current()
        return self._credentials is not before

    async def _watch(self, replica: Replica[Stub]) -> None:
        """Follow what the replica says about its health.

        A stream that breaks says nothing about the replica: the connection may have been cut. A stream that cannot be
        opened again means that the replica does not serve.
        """
        stub = health_pb2_grpc.HealthStub(replica.channel)
        while True:
            heard = False
            try:
                async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
                    heard = True
                    await self._note(replica, is_serving=answer.status == health_pb2.HealthCheckResponse.SERVING)
            except grpc.aio.AioRpcError:
                pass
            if not heard:
                await self._note(replica, is_serving=False)
                await asyncio.sleep(_WATCH_RETRY_SECONDS)

    async def _probe(self, replica: Replica[Stub]) -> None:
        """Ask an unresponsive replica for its health until it answers."""
        stub = health_pb2_grpc.HealthStub(replica.channel)
        clock = asyncio.get_running_loop().time
        await self._tell()
        while replica.is_unresponsive and self._replicas.get(replica.address) is replica:
            started = clock()
            try:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=_PROBE_SECONDS)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(max(0.0, _PROBE_SECONDS - (clock() - started)))
            else:
                replica.is_unresponsive = False
                _log.info("replica responsive", service=self.service, address=replica.address)
        await self._tell()

    async def _note(self, replica: Replica[Stub], *, is_serving: bool) -> None:
        if replica.is_serving != is_serving:
            replica.is_serving = is_serving
            event = "replica serving" if is_serving else "replica not serving"
            _log.info(event, service=self.service, address=replica.address)
            await self._tell()

    async def _tell(self) -> None:
        if self.on_change:
            await self.on_change()


async def _close(replica: Replica[Stub]) -> None:
    for task in (replica.watching, replica.probing):
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    await replica.channel.close(grace=1.0)
