"""Domain exceptions become gRPC errors in one place: a table for each service, and the interceptor that applies it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from rpc.unary import AsyncUnaryInterceptor, Request, Response, UnaryInterceptor, async_status_code, status_code

if TYPE_CHECKING:
    from rpc.unary import Answer, AsyncAnswer, AsyncContext, Handler

DOMAIN = "moodfeed"
_log = structlog.get_logger("rpc.errors")


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How one domain exception is answered."""

    status: grpc.StatusCode
    reason: str


PUSHBACK_KEY = "grpc-retry-pushback-ms"

LONGEST_MESSAGE, LONGEST_METADATA_VALUE = 300, 100
"""Characters of an error that are sent. Errors repeat what callers wrote, and travel twice in the trailing metadata, as
text and as details. A client accepts 8 KiB of metadata and reports another error for more."""

_TOO_LARGE_ROW = ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
_MALFORMED_ROW = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
_UNIMPLEMENTED_ROW = ErrorRow(grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_IMPLEMENTED")
_UNIMPLEMENTED_TEXT = "this method is not implemented here"

ErrorTable = Mapping[type[Exception], ErrorRow]
"""Domain exception -> answer. An exception without a row of its own is answered like its nearest base class."""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What google.rpc.ErrorInfo says about an error; the reason is empty if the peer sent none."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class MalformedRequestError(Exception):
    """The bytes of a request are not a message of its type, or a text in it is not UTF-8."""

    def __init__(self) -> None:
        super().__init__("the request is not a message of this method's type, or a text in it is not UTF-8")


class RequestTooLargeError(Exception):
    """The bytes of a request are more than its method takes."""

    def __init__(self, length: int, largest: int) -> None:
        super().__init__(f"the request has {length} bytes, the maximum is {largest}")


@dataclass(frozen=True, slots=True)
class RequestSizes:
    """The largest request of each method, in bytes: ``usual``, or that of ``larger`` by /package.Service/Method.

    gRPC has one limit for a whole server, which must be ``largest``.
    """

    usual: int
    larger: Mapping[str, int] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        """The largest of all."""
        return max(self.usual, *self.larger.values(), 0)

    def of(self, method: str) -> int:
        """The largest of one method."""
        return self.larger.get(method, self.usual)


_OF_ALL: ErrorTable = {MalformedRequestError: _MALFORMED_ROW, RequestTooLargeError: _TOO_LARGE_ROW}


def find_row(table: ErrorTable, error: Exception) -> ErrorRow | None:
    """The row of the exception's class or of its nearest base class; None if there is none."""
    return next((table[cls] for cls in type(error).__mro__ if cls in table), None)


def read_error_info(error: grpc.RpcError) -> ErrorInfo:
    """Read the ErrorInfo that a Moodfeed process attached to an error."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the peer's details contradict its status
        return ErrorInfo()
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.domain == DOMAIN:
            return ErrorInfo(info.reason, dict(info.metadata))
    return ErrorInfo()


class ErrorInterceptor(UnaryInterceptor):
    """Applies an error table to the unary handlers of a sync server."""

    def __init__(self, table: ErrorTable, sizes: RequestSizes | None = None) -> None:
        """``sizes`` limits the requests of each method."""
        super().__init__()
        self._table = table
        self._sizes = sizes

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Wrap answer and reader; streams pass as they are."""
        return super().wrap_handler(method, _with_reader(handler, self._sizes.of(method) if self._sizes else None))

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """Answer, or abort as the table says."""

        def answer_or_abort(request: Request, context: grpc.ServicerContext) -> Response:
            try:
                return answer(_well_formed(request), context)
            except Exception as error:
                code = status_code(context)
                if _is_unimplemented(error, code):
                    context.abort_with_status(status_of_row(_UNIMPLEMENTED_ROW, _UNIMPLEMENTED_TEXT))
                if code is not None:  # the handler aborted the call itself
                    raise
                context.abort_with_status(status_of(self._table, error, method))

        return answer_or_abort


class AsyncErrorInterceptor(AsyncUnaryInterceptor):
    """Applies an error table to the unary handlers of an asyncio server."""

    def __init__(self, table: ErrorTable, sizes: RequestSizes | None = None) -> None:
        """``sizes`` limits the requests of each method."""
        super().__init__()
        self._table = table
        self._sizes = sizes

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Wrap answer and reader; streams pass as they are."""
        return super().wrap_handler(method, _with_reader(handler, self._sizes.of(method) if self._sizes else None))

    def wrap(self, method: str, answer: AsyncAnswer[Request, Response]) -> AsyncAnswer[Request, Response]:
        """Answer, or abort as the table says."""

        async def answer_or_abort(request: Request, context: AsyncContext[Request, Response]) -> Response:
            try:
                return await answer(_well_formed(request), context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last place that sees it
                if _is_unimplemented(error, async_status_code(context)):
                    await context.abort_with_status(status_of_row(_UNIMPLEMENTED_ROW, _UNIMPLEMENTED_TEXT))
                await context.abort_with_status(status_of(self._table, error, method))

        return answer_or_abort


def status_of(table: ErrorTable, error: Exception, method: str) -> grpc.Status:
    """The status that answers an error of ``method``, for abort_with_status.

    An error without a row is logged and answered as a neutral INTERNAL. The attributes ``metadata`` and
    ``retry_after_seconds`` of an error are sent along, if it has them.
    """
    row = find_row(table, error) or find_row(_OF_ALL, error)
    if row is None:
        _log.error("unexpected error", method=method, exc_info=error)
        return status_of_row(ErrorRow(grpc.StatusCode.INTERNAL, "INTERNAL"), "internal error")
    return status_of_row(
        row,
        str(error),
        metadata=getattr(error, "metadata", {}),
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
    )


def status_of_row(
    row: ErrorRow,
    message: str,
    *,
    metadata: Mapping[str, str] | None = None,
    retry_after_seconds: float | None = None,
) -> grpc.Status:
    """The status of a table's row, with its ErrorInfo attached.

    ``retry_after_seconds`` goes into google.rpc.RetryInfo, and into the metadata that delays gRPC's own retries (gRFC
    A6). Long texts are cut.
    """
    message = _cut(message, LONGEST_MESSAGE)
    values = {key: _cut(value, LONGEST_METADATA_VALUE) for key, value in (metadata or {}).items()}
    details = [_packed(error_details_pb2.ErrorInfo(reason=row.reason, domain=DOMAIN, metadata=values))]
    pushback: tuple[tuple[str, str], ...] = ()
    if retry_after_seconds is not None:
        milliseconds = math.ceil(retry_after_seconds * 1_000)
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(milliseconds)
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
        pushback = ((PUSHBACK_KEY, str(milliseconds)),)
    status = rpc_status.to_status(status_pb2.Status(code=row.status.value[0], message=message, details=details))
    return cast("grpc.Status", status._replace(trailing_metadata=(*status.trailing_metadata, *pushback)))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _packed(message: Message) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


def _is_unimplemented(error: Exception, code: grpc.StatusCode | None) -> bool:
    """Whether generated code raised it, for a method that its service leaves out, such as Health/List.

    As an unexpected error it would be logged, and any caller could fill the log with tracebacks.
    """
    return isinstance(error, NotImplementedError) and code is grpc.StatusCode.UNIMPLEMENTED


def _with_reader(handler: Handler[Request, Response], largest: int | None) -> Handler[Request, Response]:
    """The handler, given an error in place of a request that cannot be read or is too large.

    gRPC itself would answer INTERNAL, as if the fault were the server's.
    """
    read_or_fail = handler.request_deserializer
    if handler.unary_unary is None or read_or_fail is None:
        return handler

    def read(data: bytes) -> Request:
        if largest is not None and len(data) > largest:
            return cast("Request", RequestTooLargeError(len(data), largest))
        try:
            return read_or_fail(data)
        except (DecodeError, ValueError):
            return cast("Request", MalformedRequestError())  # until _well_formed raises it

    return grpc.unary_unary_rpc_method_handler(
        handler.unary_unary, request_deserializer=read, response_serializer=handler.response_serializer
    )


def _well_formed(request: Request) -> Request:
    if isinstance(request, MalformedRequestError | RequestTooLargeError):
        raise request
    return request
