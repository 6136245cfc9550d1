"""The gateway's HTTP server: uvicorn with our limits, beside a gRPC server in one process."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway.http_api import LARGEST_HEAD_BYTES
from gateway.settings import Settings
from rpc.server import BusyAddressError
from rpc.tls import LiveServerTls

KEEP_ALIVE_SECONDS = 15


class HttpServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: both servers of this process stop together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def make_http_server(app: Any, settings: Settings, live_tls: LiveServerTls | None) -> HttpServer:
    """A server of the ASGI application ``app`` that does not listen yet."""
    return HttpServer(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ssl_context_factory=(lambda config, default: live_tls.ssl_context()) if live_tls else None,  # noqa: ARG005
            limit_concurrency=settings.max_connections,
            h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.grace_seconds),
        )
    )


def listen(address: str) -> socket.socket:
    """A socket for HTTP; BusyAddressError if the address is taken.

    Its connections send at once: asyncio sees to that only where a socket names its protocol, which create_server
    leaves open, and an answer in two parts would wait 40 ms for the caller's delayed acknowledgement.
    """
    host, _, port = address.rpartition(":")
    try:
        listening = socket.create_server((host, int(port)))
    except (OSError, ValueError) as error:
        raise busy_address(address, "MOODFEED_GATEWAY_HTTP_ADDRESS") from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def busy_address(address: str, variable: str) -> BusyAddressError:
    """The error of an address that cannot be listened on."""
    return BusyAddressError(
        f"gateway cannot listen on {address}: it is in use or not ours; set {variable} to another host:port"
    )
