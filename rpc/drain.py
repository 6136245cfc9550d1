"""The end of a gRPC server: requests in flight are answered, and streams of health watchers are not waited for."""

import asyncio
from collections.abc import Callable, Iterator

import grpc

LAME_DUCK_SECONDS = 0.3
"""How long a process that reports NOT_SERVING still takes requests: those on the wire would be lost otherwise."""

_IDLE_LOOKS = 3
_IDLE_LOOK_SECONDS = 0.05


def stop_when_idle(server: grpc.Server, *, in_flight: Callable[[], int], grace_seconds: float) -> None:
    """Refuse new requests, wait up to ``grace_seconds`` for those in flight, then end the streams that remain.

    A health watcher keeps its stream open for as long as the server lives, so gRPC's own grace would always be used up.
    """
    stopped = server.stop(grace_seconds)
    for seconds in looks_until_idle(in_flight):
        if stopped.wait(seconds):
            break
    server.stop(0).wait()


async def stop_aio_when_idle(server: grpc.aio.Server, *, in_flight: Callable[[], int], grace_seconds: float) -> None:
    """Do the same with an asyncio server."""
    stopping = asyncio.create_task(server.stop(grace_seconds))
    for seconds in looks_until_idle(in_flight):
        await asyncio.wait([stopping], timeout=seconds)
        if stopping.done():
            break
    await server.stop(0)
    await stopping


def looks_until_idle(in_flight: Callable[[], int]) -> Iterator[float]:
    """Yield the seconds to wait before each look at ``in_flight``; end after enough looks in a row that found none.

    One look is not enough: a request may be between two counters.
    """
    idle_looks = 0
    while idle_looks < _IDLE_LOOKS:
        yield _IDLE_LOOK_SECONDS
        idle_looks = 0 if in_flight() else idle_looks + 1
