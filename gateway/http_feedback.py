"""POST /interactions: feedback over HTTP, as JSON."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.api_access import FEEDBACK, ApiAccess
from gateway.body_memory import BodyMemory
from gateway.browser_guard import BrowserGuard
from gateway.edge import Deadline
from gateway.feedback import record_interactions
from gateway.feedback_messages import read_document, recorded_document
from gateway.feedback_types import InteractionRecorder
from gateway.http_answers import json_answer
from rpc import wall_clock
from rpc.admission import InFlight

LARGEST_BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 10.0
"""How long a client has to send a whole body."""


class BodyError(Exception):
    """The body of a request cannot be read.

    BodyError
    ├── BodyTooLargeError
    └── BodyTooSlowError
    """


class BodyTooLargeError(BodyError):
    """The body has more than LARGEST_BODY_BYTES."""

    def __init__(self) -> None:
        super().__init__(f"the body is longer than {LARGEST_BODY_BYTES} bytes: send fewer interactions at once")


class BodyTooSlowError(BodyError):
    """The body did not come within BODY_SECONDS, or the client went."""

    def __init__(self) -> None:
        super().__init__(f"the body did not come within {BODY_SECONDS:g} seconds")


def recording(
    recorder: InteractionRecorder,
    *,
    access: ApiAccess,
    guard: BrowserGuard,
    in_flight: InFlight,
    bodies: BodyMemory,
    deadline_seconds: float,
) -> Callable[[Request], Awaitable[Response]]:
    """What answers POST /interactions."""

    async def record(request: Request) -> Response:
        guard.check(headers_of(request), scheme=request.scope["scheme"])
        access.admit(request.headers.getlist("authorization"), scope=FEEDBACK)
        body = await read_body(request, bodies)
        with in_flight.admitted("POST /interactions"):
            rows = read_document(body)
            recorded = await record_interactions(
                rows, recorder=recorder, clock=Deadline.after(deadline_seconds), now_ms=wall_clock.now_ms()
            )
        return json_answer(recorded_document(recorded))

    return record


async def read_body(request: Request, bodies: BodyMemory) -> bytes:
    """The whole body; raises BodyError, TooManyRequestsError."""
    if int(request.headers.get("content-length") or 0) > LARGEST_BODY_BYTES:  # h11 has checked that it is a number
        raise BodyTooLargeError
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            with bodies.reading("POST body") as grow:
                async for part in request.stream():
                    length += len(part)
                    if length > LARGEST_BODY_BYTES:
                        raise BodyTooLargeError
                    grow(len(part))
                    parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        raise BodyTooSlowError from error
    return b"".join(parts)


def headers_of(request: Request) -> list[tuple[str, str]]:
    """The headers of a request, their names in small letters."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
