"""POST /interactions: feedback over HTTP, as JSON."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway.api_access import FEEDBACK, ApiAccess
from gateway.body_memory import BodyMemory
from gateway.browser_guard import BrowserGuard
from gateway.edge import Deadline
from gateway.feedback import record_interactions
from gateway.feedback_messages import read_document, recorded_document
from gateway.feedback_types import InteractionRecorder
from gateway.http_answers import json_answer
from gateway.http_bodies import headers_of, read_body
from rpc import wall_clock
from rpc.admission import InFlight


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
