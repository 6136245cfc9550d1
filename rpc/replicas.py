"""The replicas of one service: which are there, which are well, and one call to any of them.

A call goes to the next well replica in turn. An attempt that cannot reach its replica, or outruns its own share of the
time, is made again on another one: every call between our services is a read. What was cut off or never answers is left
alone until its health answers again.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import Counter, Gauge

from rpc.channel import open_channel
from rpc.errors import read_error_info
from rpc.tls import ClientTls
from rpc.watched_files import FileContentError

RETRIES = Counter("moodfeed_downstream_retries_total", "Attempts made again on another replica.", ["service", "cause"])
RETRIES_REFUSED = Counter(
    "moodfeed_downstream_retries_refused_total", "Attempts not made again: the retry budget is spent.", ["service"]
)
WELL = Gauge("moodfeed_downstream_replicas_well", "Replicas that are SERVING and answer.", ["service"])

_MOST_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.02  # before the second attempt at the same replica; doubles, with jitter
_WATCH_RETRY_SECONDS = 0.2
_PROBE_SECONDS = 0.5
_RESOLVE_SECONDS = 5.0
_BUDGET = 100.0  # retries that may be made at once
_BUDGET_REFILL = 0.1  # for each call that went well: in the long run one retry for ten calls

_log = structlog.get_logger("rpc.replicas")
Stub = TypeVar("Stub")
Request = TypeVar("Request")
Response = TypeVar("Response")


class NoReplicaError(Exception):
    """No replica of the service is well."""


@dataclass(slots=True, eq=False)
class _Replica(Generic[Stub]):
    address: str
    channel: grpc.aio.Channel
    stub: Stub
    is_serving: bool | None = None  # what its health says; None before it said anything
    is_mute: bool = False  # it did not answer in time, and has not answered since
    watching: asyncio.Task[None] | None = None
    probing: asyncio.Task[None] | None = None  # the loop itself keeps no task alive

    @property
    def is_well(self) -> bool:
        return self.is_serving is True and not self.is_mute

    @property
    def may_be_well(self) -> bool:
        return self.is_serving is not False and not self.is_mute


class Replicas(Generic[Stub]):
    """Calls to a service of one or more replicas; for one event loop.

    ``addresses`` are host:port each; a host name stands for every address that it resolves to, looked up again every
    few seconds. ``stub`` makes the generated stub of a channel. Whoever sets ``on_change`` is called when a replica
    becomes well, or is no longer. Raises FileContentError if the files of ``tls`` cannot be used; what becomes of them
    later does no harm.
    """

    def __init__(
        self,
        service: str,
        addresses: Sequence[str],
        stub: Callable[[grpc.aio.Channel], Stub],
        *,
        attempt_seconds: float,
        tls: ClientTls | None = None,
    ) -> None:
        self.service = service
        self.addresses = tuple(addresses)
        self._stub = stub
        self._attempt_seconds = attempt_seconds
        self._tls = tls
        self._stamp = tls.stamp() if tls else None  # before reading: a change meanwhile is seen the next time
        self._credentials = tls.credentials() if tls else None
        self.on_change: Callable[[], Awaitable[None]] | None = None
        self._replicas: dict[str, _Replica[Stub]] = {}
        self._turn = itertools.count()
        self._budget = _BUDGET

    @property
    def is_serving(self) -> bool:
        """Whether any replica is well."""
        return self.well > 0

    @property
    def well(self) -> int:
        """How many replicas say SERVING, and answer."""
        return sum(replica.is_well for replica in self._replicas.values())

    async def call(
        self,
        method: Callable[[Stub], Callable[..., Awaitable[Response]]],
        request: Request,
        *,
        seconds: float,
        elsewhere: frozenset[str] = frozenset(),
    ) -> Response:
        """Answer within ``seconds``, by whichever replica can.

        Errors with a reason in ``elsewhere`` are asked of the other replicas too. Raises NoReplicaError, or the
        grpc.aio.AioRpcError of the last attempt.
        """
        end = time.monotonic() + seconds
        tried: list[_Replica[Stub]] = []
        while True:
            replica, is_last_resort = self._choose(tried)
            left = end - time.monotonic()
            attempt_seconds = left if is_last_resort else min(left, self._attempt_seconds)
            try:
                response = await method(replica.stub)(request, timeout=max(attempt_seconds, 0.0))
            except grpc.aio.AioRpcError as error:
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and 2 * attempt_seconds >= self._attempt_seconds:
                    self._leave_alone(replica)
                cause = self._cause(error, elsewhere, has_time=attempt_seconds < left)
                tried.append(replica)
                if not self._may_retry(cause, tried, time_left=end - time.monotonic()):
                    raise
                RETRIES.labels(self.service, cause).inc()
                if self._choose(tried)[0] in tried:
                    await asyncio.sleep(_BACKOFF_SECONDS * 2 ** (len(tried) - 1) * random.uniform(0.5, 1.5))  # noqa: S311
            else:
                self._budget = min(_BUDGET, self._budget + _BUDGET_REFILL)
                return response

    async def start(self) -> None:
        """Find the replicas for the first time."""
        await self._resolve()

    async def run(self) -> None:
        """Keep finding the replicas until cancelled; closes all channels then."""
        try:
            while True:
                await asyncio.sleep(_RESOLVE_SECONDS)
                await self._resolve()
        finally:
            for replica in list(self._replicas.values()):
                await self._let_go(replica)

    def _choose(self, tried: Sequence[_Replica[Stub]]) -> tuple[_Replica[Stub], bool]:
        """The next well replica, one not tried yet if there is one; and whether no other is left to try after it."""
        well = self._candidates()
        fresh = [replica for replica in well if replica not in tried]
        candidates = fresh or well
        if not candidates:
            raise NoReplicaError(f"no replica of {self.service} is well")
        return candidates[next(self._turn) % len(candidates)], len(fresh) < 2

    def _candidates(self) -> list[_Replica[Stub]]:
        """The well replicas; before any is known to be, those that may."""
        well = [replica for replica in self._replicas.values() if replica.is_well]
        return well or [replica for replica in self._replicas.values() if replica.may_be_well]

    def _cause(self, error: grpc.aio.AioRpcError, elsewhere: frozenset[str], *, has_time: bool) -> str:
        """Why another attempt may help; empty if it cannot."""
        match error.code():
            case grpc.StatusCode.UNAVAILABLE:
                return "unavailable"
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return "timeout" if has_time else ""
            case grpc.StatusCode.FAILED_PRECONDITION if read_error_info(error).reason in elsewhere:
                return "elsewhere" if len(self._replicas) > 1 else ""
            case _:
                return ""

    def _may_retry(self, cause: str, tried: Sequence[_Replica[Stub]], *, time_left: float) -> bool:
        if not cause or len(tried) >= _MOST_ATTEMPTS or time_left <= 0:
            return False
        well = self._candidates()
        if not well or (cause == "elsewhere" and all(replica in tried for replica in well)):
            return False
        if cause == "elsewhere":
            return True  # an answer, not a failure; each replica is asked once, and a swap makes many of them
        if self._budget < 1:
            RETRIES_REFUSED.labels(self.service).inc()
            return False
        self._budget -= 1
        return True

    def _leave_alone(self, replica: _Replica[Stub]) -> None:
        if replica.is_mute:
            return
        replica.is_mute = True
        _log.warning("replica does not answer", service=self.service, address=replica.address)
        replica.probing = asyncio.create_task(self._probe(replica))

    async def _probe(self, replica: _Replica[Stub]) -> None:
        """Ask a mute replica for its health until it answers."""
        stub = health_pb2_grpc.HealthStub(replica.channel)
        await self._tell()
        while replica.is_mute and self._replicas.get(replica.address) is replica:
            started = time.monotonic()
            try:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=_PROBE_SECONDS)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(max(0.0, _PROBE_SECONDS - (time.monotonic() - started)))
            else:
                replica.is_mute = False
                _log.info("replica answers again", service=self.service, address=replica.address)
        await self._tell()

    async def _resolve(self) -> None:
        found: dict[str, str] = {}  # address -> the host that a certificate must name
        for address in self.addresses:
            host, _, port = address.rpartition(":")
            found |= {f"{ip}:{port}": host for ip in await _addresses_of(host)}
        if not found:
            return  # a name server that fails takes nothing away
        kept = set() if self._has_new_credentials() else found.keys()
        let_go = [self._replicas.pop(address) for address in self._replicas.keys() - kept]
        for address in sorted(found.keys() - self._replicas.keys()):
            channel = open_channel(address, self._credentials, host=found[address])
            replica = _Replica(address, channel, self._stub(channel))
            self._replicas[address] = replica
            replica.watching = asyncio.create_task(self._watch(replica))
        for replica in let_go:
            await self._let_go(replica)

    def _has_new_credentials(self) -> bool:
        """Whether the files of TLS changed, and can be used: open channels keep what they were made with."""
        if self._tls is None or self._tls.stamp() == self._stamp:
            return False
        self._stamp = self._tls.stamp()
        try:
            self._credentials = self._tls.credentials()
        except FileContentError as error:
            _log.warning("new certificates cannot be used, the old ones stay", service=self.service, reason=str(error))
            return False
        return True

    async def _let_go(self, replica: _Replica[Stub]) -> None:
        for task in (replica.watching, replica.probing):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await replica.channel.close(grace=1.0)

    async def _watch(self, replica: _Replica[Stub]) -> None:
        """Hear what the replica says of itself.

        A stream that breaks says nothing yet: a connection may be cut, and the replica be well. One that cannot be had
        again says enough.
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

    async def _note(self, replica: _Replica[Stub], *, is_serving: bool) -> None:
        if replica.is_serving != is_serving:
            replica.is_serving = is_serving
            _log.info("replica serves" if is_serving else "replica does not serve", address=replica.address)
            await self._tell()

    async def _tell(self) -> None:
        WELL.labels(self.service).set(self.well)
        if self.on_change:
            await self.on_change()


async def _addresses_of(host: str) -> set[str]:
    """IP addresses of a name, an IPv6 one in brackets; IPv4 alone where there are any."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host.strip("[]"))
        return {host}
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    ipv4 = {str(address[0]) for family, *_, address in found if family == socket.AF_INET}
    return ipv4 or {f"[{address[0]}]" for family, *_, address in found if family == socket.AF_INET6}
