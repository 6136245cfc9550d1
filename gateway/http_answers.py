"""The forms of every HTTP answer: JSON, and for errors a document that names code, status, reason and message."""

from collections.abc import Mapping

import orjson
from prometheus_client import Counter
from starlette.responses import Response

REQUESTS = Counter("moodfeed_http_requests_total", "HTTP requests answered.", ["path", "code"])


def count(path: str, code: int) -> None:
    """Count an answer; ``path`` is one that exists, or a word in brackets for all others: callers may invent any."""
    REQUESTS.labels(path, code).inc()


def json_answer(document: object, *, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of JSON."""
    return Response(orjson.dumps(document), status_code=code, headers=headers, media_type="application/json")


def error_answer(
    code: int, status: str, reason: str, message: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer of an error."""
    return json_answer(error_document(code, status, reason, message), code=code, headers=headers)


def error_document(code: int, status: str, reason: str, message: str) -> Mapping[str, Mapping[str, object]]:
    """The document of an error."""
    return {"error": {"code": code, "status": status, "reason": reason, "message": message}}


MALFORMED = orjson.dumps(
    error_document(400, "INVALID_ARGUMENT", "REQUEST_MALFORMED", "not a request in HTTP/1.1, or its head is too long")
)
"""The body for bytes that are not a request."""
