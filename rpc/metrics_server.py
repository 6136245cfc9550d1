"""The Prometheus metrics of a sync process: over HTTP, or over HTTPS with certificates that may change."""

import threading
from socket import AF_INET, AF_INET6, socket
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app, start_http_server

from rpc.tls import LiveServerTls, ServerTls

_HANDSHAKE_AND_REQUEST_SECONDS = 10.0


def start_metrics_server(host: str, port: int, tls: ServerTls | None) -> None:
    """Serve metrics from a daemon thread; OSError if the address cannot be had, FileContentError if the files cannot.

    Metrics hold nothing of people, so with ``tls`` every client may read them: its ``client_authority`` does not count.
    """
    if tls is None:
        start_http_server(port, host)
        return
    server_class = _HttpsServer6 if ":" in host else _HttpsServer
    server = server_class((host, port), _SilentHandler)
    server.set_app(make_wsgi_app())
    context = LiveServerTls(ServerTls(tls.certificate, tls.key)).ssl_context()
    # The handshake is for the thread of the connection: here a client that says nothing would stop all others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _HttpsServer(ThreadingMixIn, WSGIServer):
    address_family = AF_INET
    daemon_threads = True

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_HANDSHAKE_AND_REQUEST_SECONDS)
        request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Print nothing: whoever connects without TLS would fill the log with tracebacks."""


class _HttpsServer6(_HttpsServer):
    address_family = AF_INET6


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing of a scrape."""
