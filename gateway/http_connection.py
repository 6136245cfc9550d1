"""One HTTP connection: uvicorn's own, with a deadline for each request head and the gateway's form of errors."""

import asyncio
import re
from typing import cast

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gateway.http_answers import MALFORMED, count
from gateway.http_edge import IS_BEYOND_LIMIT
from gateway.http_framing import FramedConnection

HEAD_SECONDS = 10.0
"""How long a client has to send a whole request head: from connecting or, for a further request, from its first byte.

A client whose request was answered before it had been read has as long for the rest of it."""

_log = structlog.get_logger("gateway.http")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_ENDED = frozenset({h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR})


class HttpConnection(H11Protocol):
    """A connection of the gateway."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = FramedConnection(h11.SERVER, cast("int", config.h11_max_incomplete_event_size))
        self._most_connections = self.limit_concurrency
        self.limit_concurrency = None  # uvicorn refuses in its own form, probes too; gateway.http_edge does not
        self._is_extra = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._is_extra = self._is_full
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._end_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; text in a request's target may be UTF-8 that is not escaped."""
        if self.conn.their_state is h11.IDLE:
            if self._deadline is None:
                self._start_deadline()
            if not data.isascii() and b"\n" not in self.conn.trailing_data[0].lstrip(b"\r\n"):
                data = _with_escaped_target(data)
        super().data_received(data)

    def handle_events(self) -> None:
        """Answer what has been read."""
        self.app_state = {IS_BEYOND_LIMIT: self._is_extra and self._is_full}
        super().handle_events()
        if self.conn.their_state in _ENDED or (
            self.conn.their_state is h11.SEND_BODY and self.conn.our_state is not h11.DONE
        ):
            self._end_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was answered early."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._start_deadline()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Refuse bytes that are not a request, in the form of all errors and not in the words of uvicorn."""
        count("(unreadable)", 400)
        self._end_deadline()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what it still answers is for nobody
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(MALFORMED)),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=MALFORMED),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def _is_full(self) -> bool:
        return self._most_connections is not None and len(self.connections) > self._most_connections

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered as one without `upgrade`."""

    def _start_deadline(self) -> None:
        self._end_deadline()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _with_escaped_target(data: bytes) -> bytes:
    """The bytes up to the end of a request line, with those beyond ASCII as %XX; h11 refuses them as they are."""
    start = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\n", start)
    line, rest = (data, b"") if end < 0 else (data[:end], data[end:])
    return _BEYOND_ASCII.sub(lambda match: b"%%%02X" % match[0][0], line) + rest
