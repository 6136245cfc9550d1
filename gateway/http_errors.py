"""How HTTP answers each error: its code, its reason, and what a client may do."""

import math
from collections.abc import Mapping

import grpc
import structlog
from starlette.responses import Response

from gateway.api_access import ACCESS_ERRORS, ApiTokenInvalidError, RateLimitedError
from gateway.browser_guard import ContentTypeError, HostNotAllowedError, OriginNotAllowedError
from gateway.edge import ERRORS
from gateway.feed_types import DependencyOverloadedError
from gateway.feedback_messages import MalformedDocumentError
from gateway.http_answers import error_answer
from gateway.http_bodies import BodyTooLargeError, BodyTooSlowError
from gateway.http_parameters import InvalidParameterError
from rpc.admin_access import ADMIN_ERRORS, AdminTokenInvalidError
from rpc.admission import TooManyRequestsError
from rpc.errors import ErrorRow, ErrorTable, find_row

_log = structlog.get_logger("gateway.http")
HTTP_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_OF_HTTP: ErrorTable = {
    InvalidParameterError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PARAMETER_INVALID"),
    MalformedDocumentError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "BODY_MALFORMED"),
    HostNotAllowedError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "HOST_NOT_ALLOWED"),
    OriginNotAllowedError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "ORIGIN_NOT_ALLOWED"),
}
_CODES_OF_BODIES: Mapping[type[Exception], tuple[int, str]] = {
    BodyTooSlowError: (408, "BODY_TOO_SLOW"),
    BodyTooLargeError: (413, "REQUEST_TOO_LARGE"),
    ContentTypeError: (415, "CONTENT_TYPE_UNSUPPORTED"),
}


class OversizedHeadError(Exception):
    """The URL or the headers of a request are too long."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer_error(error: Exception) -> Response:
    """The answer of an error; one that is not expected is logged."""
    if isinstance(error, OversizedHeadError):
        return error_answer(error.code, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE", str(error))
    for error_class, (code, reason) in _CODES_OF_BODIES.items():
        if isinstance(error, error_class):
            return error_answer(code, "INVALID_ARGUMENT", reason, str(error))
    return error_answer(*parts_of(error), headers=_headers_of(error))


def parts_of(error: Exception) -> tuple[int, str, str, str]:
    """Code, status, reason and message of an error; one that is not expected is logged."""
    tables = (ERRORS, ACCESS_ERRORS, ADMIN_ERRORS, _OF_HTTP)
    row = next(filter(None, (find_row(table, error) for table in tables)), None)
    if row is None:
        _log.error("unexpected error", exc_info=error)
        return 500, grpc.StatusCode.INTERNAL.name, "INTERNAL", "internal error"
    return HTTP_CODES[row.status], row.status.name, row.reason, str(error)


def _headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, ApiTokenInvalidError | AdminTokenInvalidError):
        return {"www-authenticate": 'Bearer realm="moodfeed"'}
    if isinstance(error, RateLimitedError | TooManyRequestsError | DependencyOverloadedError):
        return {"retry-after": str(math.ceil(error.retry_after_seconds))}  # whole seconds, RFC 9110
    return {}
