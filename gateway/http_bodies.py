"""The bodies of HTTP requests: read whole, within a limit of bytes and of seconds."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from gateway.body_memory import BodyMemory

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
    """The body has more bytes than its path takes."""

    def __init__(self, largest: int) -> None:
        super().__init__(f"the body is longer than {largest} bytes: send less at once")


class BodyTooSlowError(BodyError):
    """The body did not come within BODY_SECONDS, or the client went."""

    def __init__(self) -> None:
        super().__init__(f"the body did not arrive within {BODY_SECONDS:g} seconds: try again")


async def read_body(request: Request, bodies: BodyMemory, *, largest: int = LARGEST_BODY_BYTES) -> bytes:
    """The whole body; raises BodyError, TooManyRequestsError."""
    if int(request.headers.get("content-length") or 0) > largest:  # h11 has checked that it is a number
        raise BodyTooLargeError(largest)
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            with bodies.reading("POST body") as grow:
                async for part in request.stream():
                    length += len(part)
                    if length > largest:
                        raise BodyTooLargeError(largest)
                    grow(len(part))
                    parts.append(part)
    except (TimeoutError, ClientDisconnect) as error:
        raise BodyTooSlowError from error
    return b"".join(parts)


def headers_of(request: Request) -> list[tuple[str, str]]:
    """The headers of a request, their names in small letters."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
