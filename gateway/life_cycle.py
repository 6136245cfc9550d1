"""The life of a process that serves gRPC and HTTP: both until a signal comes, then both drain."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

import structlog

from gateway.http_server import HttpServer
from gateway.settings import Settings
from rpc.drain import LAME_DUCK_SECONDS
from rpc.supervisor import report_serving

_log = structlog.get_logger("gateway.life_cycle")


def stop_on_signals() -> asyncio.Event:
    """An event of the running loop that SIGTERM and SIGINT set."""
    stop_asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)
    return stop_asked


async def serve_until_stopped(
    stop_asked: asyncio.Event,
    *,
    settings: Settings,
    http_server: HttpServer,
    http_socket: socket.socket,
    stop_grpc: Callable[[], Awaitable[None]],
) -> None:
    """Serve HTTP beside a gRPC server that has started; once ``stop_asked`` is set, drain both.

    ``stop_grpc`` reports NOT_SERVING at once, and refuses requests only LAME_DUCK_SECONDS later, as HTTP does here.
    """
    http_task = asyncio.create_task(http_server.serve(sockets=[http_socket]))
    _log.info(
        "serving",
        grpc_address=settings.grpc_address,
        http_address=settings.http_address,
        api="open to every caller" if settings.api_tokens_file is None else "for callers with a token",
    )
    report_serving()
    await stop_asked.wait()
    _log.info("draining", grace_seconds=settings.grace_seconds)
    await asyncio.gather(stop_grpc(), _stop_http(http_server, http_task))
    _log.info("stopped")


async def _stop_http(http_server: HttpServer, http_task: asyncio.Task[None]) -> None:
    await asyncio.sleep(LAME_DUCK_SECONDS)
    http_server.stop()
    await http_task
