"""The gateway's HTTP server: uvicorn with the gateway's limits, beside a gRPC server in one process."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gateway.http_api import LARGEST_HEAD_BYTES
from gateway.settings import Settings
from rpc.server import BusyAddressError
from rpc.tls import LiveServerTls

KEEP_ALIVE_SECONDS = 15


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the process stops both of its servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not touch the signals."""
        yield


def make_http_server(app: ASGIApp, settings: Settings, live_tls: LiveServerTls | None) -> HttpServer:
    """A server for the application that does not listen yet."""
    return HttpServer(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_config=None,  # rpc.structured_log writes what uvicorn logs
            workers=1,  # else uvicorn reads WEB_CONCURRENCY
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ssl_context_factory=(lambda config, default: live_tls.ssl_context()) if live_tls else None,  # noqa: ARG005
            limit_concurrency=settings.max_connections,
            h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=settings.grace_seconds,  # type: ignore[arg-type] # it is given to asyncio
        )
    )


def listen(address: str) -> socket.socket:
    """A listening socket for HTTP; raises BusyAddressError if the address is taken.

    TCP_NODELAY is set because asyncio sets it only for sockets that name their protocol, and create_server's do not.
    Without it an answer in two parts waits 40 ms for the client's delayed acknowledgement.
    """
    host, _, port = address.rpartition(":")
    try:
        listening = socket.create_server((host, int(port)))
    except (OSError, ValueError) as error:
        raise busy_address(address, "MOODFEED_GATEWAY_HTTP_ADDRESS") from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def busy_address(address: str, variable: str) -> BusyAddressError:
    """The error for an address that cannot be bound."""
    return BusyAddressError(
        f"gateway cannot listen on {address}: it is in use or not of this machine; set {variable} to another host:port"
    )
