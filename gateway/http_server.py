"""The gateway's HTTP server: uvicorn with the gateway's limits, beside a gRPC server in one process."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gateway.http_api import LARGEST_HEAD_BYTES
from gateway.http_connection import HttpConnection
from gateway.http_edge import CrossOrigin, HttpEdge
from gateway.settings import Settings
from rpc.addresses import HostAndPort, UnixSocket, claimed, is_answered, read_address
from rpc.server import BusyAddressError
from rpc.tls import LiveServerTls

_TICK_SECONDS = 1.0  # how often the date of the answers is renewed; uvicorn wakes ten times as often


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the process stops both of its servers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop_asked = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until ``stop``."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stop_asked.wait()

    def stop(self) -> None:
        """Have ``serve`` refuse new connections, drain and return."""
        self.should_exit = True
        self._stop_asked.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not touch the signals."""
        yield


def make_http_server(app: ASGIApp, settings: Settings, live_tls: LiveServerTls | None) -> HttpServer:
    """A server for the application that does not listen yet."""
    edge = HttpEdge(app)
    return HttpServer(
        uvicorn.Config(
            CrossOrigin(edge, settings.allowed_origins) if settings.allowed_origins else edge,
            http=HttpConnection,
            ws="none",
            log_config=None,  # rpc.structured_log writes what uvicorn logs
            workers=1,  # else uvicorn reads WEB_CONCURRENCY
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ssl_context_factory=(lambda config, default: live_tls.ssl_context()) if live_tls else None,  # noqa: ARG005
            limit_concurrency=settings.max_connections,
            h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.grace_seconds,  # type: ignore[arg-type] # asyncio takes fractions
        )
    )


def listen(address: str) -> socket.socket:
    """A listening socket for HTTP, at an address of rpc.addresses; raises BusyAddressError if it is taken.

    TCP_NODELAY is set because asyncio sets it only for sockets that name their protocol, and create_server's do not.
    Without it an answer in two parts waits 40 ms for the client's delayed acknowledgement.
    """
    where = read_address(address)
    try:
        return _listen_on_unix(where) if isinstance(where, UnixSocket) else _listen_on_tcp(where)
    except OSError as error:
        raise busy_address(address, "MOODFEED_GATEWAY_HTTP_ADDRESS") from error


def _listen_on_tcp(where: HostAndPort) -> socket.socket:
    found = socket.getaddrinfo(where.host or None, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, place = min(found, key=lambda item: item[0] != socket.AF_INET)  # IPv4 where a name stands for both
    is_every_address = family == socket.AF_INET6 and place[0] == "::" and socket.has_dualstack_ipv6()
    listening = socket.create_server(place[:2], family=family, dualstack_ipv6=is_every_address)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen_on_unix(where: UnixSocket) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with claimed(where):
            _take_over(where)
            listening.bind(where.bound_name)
            listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _take_over(where: UnixSocket) -> None:
    """Remove the file of a socket that a killed process left; OSError if a process still listens there."""
    if is_answered(where):
        raise OSError("a process listens there")
    if not where.is_abstract and Path(where.name).is_socket():
        Path(where.name).unlink()


def busy_address(address: str, variable: str) -> BusyAddressError:
    """The error for an address that cannot be bound."""
    return BusyAddressError(
        f"gateway cannot listen on {address}: it is in use or not of this machine; set {variable} to another host:port"
    )
