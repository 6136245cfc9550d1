"""What stands before the HTTP application: absolute targets, the limit of connections, browsers of other origins."""

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http_answers import count, error_answer
from rpc.admission import RETRY_AFTER_SECONDS

IS_BEYOND_LIMIT = "is_beyond_limit"
"""The key, in the state of a request, of whether its connection is one more than the limit."""

PROBES = frozenset({"/healthz", "/readyz"})
_ORIGIN_OF_TARGET = re.compile(rb"(?i)https?://[^/]*")


class HttpEdge:
    """An ASGI application before another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it if there are too many connections; such a connection is then closed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read_absolute_target(scope)
        if not scope.get("state", {}).get(IS_BEYOND_LIMIT):
            await self._answer(scope, receive, send)
        elif scope["path"] in PROBES:
            await self._answer(scope, receive, _closing(send))
        else:
            count("(any)", 503)
            refusal = error_answer(
                503, "UNAVAILABLE", "TOO_MANY_CONNECTIONS", "too many connections: try again later", headers=_LATER
            )
            await refusal(scope, receive, _closing(send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if has_begun:
                raise
            count("(any)", 503)
            answer = error_answer(
                503, "UNAVAILABLE", "SHUTTING_DOWN", "this process is shutting down: try again", headers=_LATER
            )
            await answer(scope, receive, _closing(send))


class CrossOrigin(CORSMiddleware):
    """Lets pages of some origins read the answers; a preflight that is refused gets an error in our form."""

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=allowed_origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "DELETE"),
            allow_headers=("authorization", "content-type"),
            expose_headers=("retry-after", "www-authenticate"),
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Starlette's answer with our body, or with none."""
        answer = super().preflight_response(request_headers)
        names = ("vary", *(name for name in answer.headers if name.startswith("access-control-")))
        headers = {name: answer.headers[name] for name in names if name in answer.headers}
        if answer.status_code == 200:
            return Response(status_code=204, headers=headers)
        reason = bytes(answer.body).decode()
        return error_answer(400, "INVALID_ARGUMENT", "PREFLIGHT_REFUSED", reason, headers=headers)


def read_absolute_target(scope: Scope) -> None:
    """Read a target such as http://host/feed, which RFC 9112 (3.2.2) has servers accept, as /feed."""
    match = _ORIGIN_OF_TARGET.match(scope["raw_path"])
    if match:
        scope["raw_path"] = scope["raw_path"][match.end() :] or b"/"
        scope["path"] = unquote(scope["raw_path"].decode("ascii"))


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return send_and_close


_LATER = {"retry-after": str(max(1, round(RETRY_AFTER_SECONDS)))}
