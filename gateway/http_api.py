"""The gateway's HTTP edge: the same feeds as JSON."""

import math
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import grpc
import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import feed
from gateway.api_access import ACCESS_ERRORS, ApiAccess, ApiTokenInvalidError, RateLimitedError
from gateway.openapi import DOCUMENT
from gateway.readiness import Readiness
from gateway.service import ERRORS, Deadline, count_degradations, open_post
from rpc.admission import InFlight, TooManyRequestsError
from rpc.errors import ErrorRow, find_row

_log = structlog.get_logger("gateway.http")
REQUESTS = Counter("moodfeed_http_requests_total", "HTTP requests answered.", ["path", "code"])
DURATION = Histogram("moodfeed_http_duration_seconds", "Time to answer an HTTP request.", ["path"])

_FEED_PARAMETERS = frozenset(
    {
        "username",
        "category_id",
        "mood",
        "page_size",
        "page_token",
        "exclude",
        "required_bundle_id",
        "strict",
    }
)
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
LARGEST_HEAD_BYTES = 64 * 1024
"""What uvicorn keeps of a request that has no end yet; what came whole is held against the two below."""
LARGEST_URL_BYTES = 32 * 1024  # 1000 exclusions, their commas escaped, beside a mood of 512 emoji
LARGEST_HEADERS_BYTES = 8 * 1024
_SHOWN_CHARACTERS = 100
_HTTP_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class InvalidParameterError(Exception):
    """A query parameter is unknown, given twice or of the wrong form; its text names it."""


class OversizedHeadError(Exception):
    """The URL or the headers of a request are too long."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def build_app(
    *,
    tower: feed.UserTower,
    index: feed.PostIndex,
    readiness: Readiness,
    access: ApiAccess,
    in_flight: InFlight,
    deadline_seconds: float,
) -> Starlette:
    """The HTTP application over the two ports."""

    async def get_feed(request: Request) -> Response:
        access.admit(request.headers.getlist("authorization"))
        with in_flight.admitted("GET /feed"):
            answer = await feed.get_feed(
                read_feed_request(read_query(request.scope["query_string"])),
                tower=tower,
                index=index,
                clock=Deadline.after(deadline_seconds),
            )
        count_degradations(answer)
        return _json(
            {
                "posts": [open_post(post) for post in answer.posts],
                "next_page_token": answer.next_page_token,
                "bundle_id": answer.bundle_id,
                "ranking": answer.ranking,
                "degradations": answer.degradations,
            }
        )

    async def list_categories(request: Request) -> Response:
        access.admit(request.headers.getlist("authorization"))
        with in_flight.admitted("GET /categories"):
            categories = await index.list_categories(seconds=deadline_seconds)
        return _json({"categories": categories})

    async def healthz(request: Request) -> Response:
        return _json({"status": "alive"})

    async def readyz(request: Request) -> Response:
        missing = readiness.missing
        status = "not ready" if missing else "ready"
        return _json(
            {"status": status, "missing": missing, "degraded": readiness.degraded}, code=503 if missing else 200
        )

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(request: Request) -> Response:
        return _json(DOCUMENT)

    app = Starlette(
        routes=[
            Route("/feed", _measured(get_feed)),
            Route("/categories", _measured(list_categories)),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/openapi.json", openapi),
        ],
        exception_handlers={HTTPException: _answer_http_exception},
    )
    app.router.redirect_slashes = False  # an answer without our form, to a path that the document does not name
    return app


def read_query(query: bytes) -> QueryParams:
    """Decode a query string; InvalidParameterError names a parameter that is not UTF-8."""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"),
            keep_blank_values=True,
            errors="surrogateescape",  # what is no UTF-8 becomes lone surrogates, found below under its name
            max_num_fields=4 * len(_FEED_PARAMETERS),
        )
    except ValueError as error:
        raise InvalidParameterError("too many parameters") from error
    for name, value in pairs:
        if not (_is_unicode(name) and _is_unicode(value)):
            raise InvalidParameterError(f"{name[:_SHOWN_CHARACTERS]!r} is not UTF-8")
    return QueryParams(pairs)


def read_feed_request(parameters: QueryParams) -> feed.FeedRequest:
    """Read the query; InvalidParameterError names what is wrong. An empty value counts as missing."""
    for name in parameters:
        if name not in _FEED_PARAMETERS:
            raise InvalidParameterError(
                f"unknown parameter {name[:_SHOWN_CHARACTERS]!r}, known are {', '.join(sorted(_FEED_PARAMETERS))}"
            )
        if len(parameters.getlist(name)) > 1:
            raise InvalidParameterError(f"{name} is given twice")
    excluded = parameters.get("exclude", "")
    strict = parameters.get("strict", "") or "false"
    if strict not in {"true", "false"}:
        raise InvalidParameterError(f"strict is {strict[:_SHOWN_CHARACTERS]!r}, it must be true or false")
    return feed.FeedRequest(
        username=parameters.get("username", ""),
        category_id=_integer("category_id", parameters.get("category_id", ""), _INT32),
        mood=parameters.get("mood", ""),
        page_size=_integer("page_size", parameters.get("page_size", ""), _INT32) or 0,
        page_token=parameters.get("page_token", ""),
        exclude_post_ids=tuple(
            number
            for text in (excluded.split(",") if excluded else ())
            if (number := _integer("exclude", text, _INT64)) is not None
        ),
        required_bundle_id=parameters.get("required_bundle_id", ""),
        strict=strict == "true",
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(name: str, text: str, allowed: range) -> int | None:
    if not text.strip():
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and int(text) in allowed):
        raise InvalidParameterError(
            f"{name} is {text[:40]!r}, it must be an integer of {allowed.stop.bit_length()} bits"
        )
    return int(text)


def _measured(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        with DURATION.labels(request.url.path).time():
            try:
                _check_head(request)
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - the last place that sees it
                response = _answer_error(error)
        REQUESTS.labels(request.url.path, response.status_code).inc()
        return response

    return answer


def _check_head(request: Request) -> None:
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LARGEST_URL_BYTES:
        raise OversizedHeadError(414, f"the URL is longer than {LARGEST_URL_BYTES} bytes")
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > LARGEST_HEADERS_BYTES:
        raise OversizedHeadError(431, f"the headers are longer than {LARGEST_HEADERS_BYTES} bytes")


def _answer_error(error: Exception) -> Response:
    if isinstance(error, OversizedHeadError):
        return _error_document(error.code, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE", str(error))
    if isinstance(error, InvalidParameterError):
        row = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PARAMETER_INVALID")
        return _error(row, str(error))
    row_of_error = find_row(ERRORS, error) or find_row(ACCESS_ERRORS, error)
    if row_of_error is None:
        _log.error("unexpected error", exc_info=error)
        return _error(ErrorRow(grpc.StatusCode.INTERNAL, "INTERNAL"), "internal error")
    return _error(row_of_error, str(error), headers=_headers_of(error))


def _headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, ApiTokenInvalidError):
        return {"www-authenticate": 'Bearer realm="moodfeed"'}
    if isinstance(error, RateLimitedError | TooManyRequestsError | feed.OverloadedError):
        return {"retry-after": str(math.ceil(error.retry_after_seconds))}  # whole seconds, RFC 9110
    return {}


def _error(row: ErrorRow, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    return _error_document(_HTTP_CODES[row.status], row.status.name, row.reason, message, headers=headers)


def _error_document(
    code: int, status: str, reason: str, message: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    document = {"error": {"code": code, "status": status, "reason": reason, "message": message}}
    return _json(document, code=code, headers=headers)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 500
    status, reason, message = {
        404: ("NOT_FOUND", "PATH_NOT_FOUND", f"no such path: {request.url.path[:_SHOWN_CHARACTERS]}"),
        405: ("UNIMPLEMENTED", "METHOD_NOT_ALLOWED", f"{request.method} is not allowed here, GET is"),
    }.get(code, ("UNKNOWN", "HTTP_ERROR", "the request cannot be answered"))
    return _error_document(code, status, reason, message)


def _json(document: object, *, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status_code=code, headers=headers, media_type="application/json")
