"""Domain exceptions become gRPC errors at one place: a table for each service, and the interceptor that applies it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from rpc.unary import AsyncUnaryInterceptor, UnaryInterceptor

DOMAIN = "moodfeed"
_log = structlog.get_logger("rpc.errors")


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How one domain exception is answered."""

    status: grpc.StatusCode
    reason: str


PUSHBACK_KEY = "grpc-retry-pushback-ms"

LONGEST_MESSAGE, LONGEST_METADATA_VALUE = 300, 100
"""Characters of an error that are sent. It repeats what callers wrote, and it travels twice, as text and as details, in
trailing metadata, of which a client takes 8 KiB: a longer one would reach it as another error."""

_MALFORMED_ROW = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")
_UNIMPLEMENTED_ROW = ErrorRow(grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_IMPLEMENTED")

ErrorTable = Mapping[type[Exception], ErrorRow]
"""Domain exception -> answer. An exception of a subclass is answered like its nearest class in the table."""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What google.rpc.ErrorInfo says of an error; an empty reason if the peer sent none."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class MalformedRequestError(Exception):
    """The bytes of a request are not a message of its type, or a text in it is not UTF-8."""

    def __init__(self) -> None:
        super().__init__("the request is not a message of this method's type, or a text in it is not UTF-8")


def find_row(table: ErrorTable, error: Exception) -> ErrorRow | None:
    """The row of the exception's nearest class."""
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

    def __init__(self, table: ErrorTable) -> None:
        super().__init__()
        self._table = table

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """Wrap answer and reader; streams pass as they are."""
        return super().wrap_handler(method, _with_reader(handler))

    def wrap(self, method: str, answer: Any) -> Any:
        """Answer, or abort as the table says."""

        def answer_or_abort(request: Any, context: Any) -> Any:
            try:
                return answer(_well_formed(request), context)
            except Exception as error:
                if _is_unimplemented(error, context):
                    context.abort_with_status(status_of_row(_UNIMPLEMENTED_ROW, "this method is not implemented here"))
                if context.code() is not None:  # the handler aborted by itself
                    raise
                context.abort_with_status(status_of(self._table, error, method))

        return answer_or_abort


class AsyncErrorInterceptor(AsyncUnaryInterceptor):
    """Applies an error table to the unary handlers of an asyncio server."""

    def __init__(self, table: ErrorTable) -> None:
        super().__init__()
        self._table = table

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """Wrap answer and reader; streams pass as they are."""
        return super().wrap_handler(method, _with_reader(handler))

    def wrap(self, method: str, answer: Any) -> Any:
        """Answer, or abort as the table says."""

        async def answer_or_abort(request: Any, context: Any) -> Any:
            try:
                return await answer(_well_formed(request), context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last place that sees it
                if _is_unimplemented(error, context):
                    await context.abort_with_status(
                        status_of_row(_UNIMPLEMENTED_ROW, "this method is not implemented here")
                    )
                await context.abort_with_status(status_of(self._table, error, method))

        return answer_or_abort


def status_of(table: ErrorTable, error: Exception, method: str) -> Any:
    """The grpc.Status that answers an error of ``method``, for abort_with_status.

    An error without a row is logged and answered as a neutral INTERNAL. One with ``retry_after_seconds`` tells the
    caller so by google.rpc.RetryInfo.
    """
    row = _MALFORMED_ROW if isinstance(error, MalformedRequestError) else find_row(table, error)
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
) -> Any:
    """The status that answers with a row of a table, its ErrorInfo attached.

    ``retry_after_seconds`` goes into google.rpc.RetryInfo, and into the metadata by which gRPC's own retries are
    pushed back (gRFC A6). Of long texts only the beginning is sent.
    """
    message = _cut(message, LONGEST_MESSAGE)
    values = {key: _cut(value, LONGEST_METADATA_VALUE) for key, value in (metadata or {}).items()}
    details = [_packed(error_details_pb2.ErrorInfo(reason=row.reason, domain=DOMAIN, metadata=values))]
    if retry_after_seconds is None:
        return rpc_status.to_status(status_pb2.Status(code=row.status.value[0], message=message, details=details))
    milliseconds = math.ceil(retry_after_seconds * 1_000)
    delay = duration_pb2.Duration()
    delay.FromMilliseconds(milliseconds)
    details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    status = rpc_status.to_status(status_pb2.Status(code=row.status.value[0], message=message, details=details))
    return status._replace(trailing_metadata=(*status.trailing_metadata, (PUSHBACK_KEY, str(milliseconds))))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _packed(message: Any) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


def _well_formed(request: Any) -> Any:
    if isinstance(request, MalformedRequestError):
        raise request
    return request


def _is_unimplemented(error: Exception, context: Any) -> bool:
    """Whether it comes from generated code, of a method that its service leaves out, such as Health/List.

    Otherwise anybody could fill the log with tracebacks. Asyncio contexts hold a number.
    """
    unimplemented = grpc.StatusCode.UNIMPLEMENTED
    return isinstance(error, NotImplementedError) and context.code() in {unimplemented, unimplemented.value[0]}


def _with_reader(handler: Any) -> Any:
    """The handler, given a MalformedRequestError for bytes that are no message; gRPC would make INTERNAL of them."""
    read_or_fail = handler.request_deserializer
    if handler.unary_unary is None or read_or_fail is None:
        return handler

    def read(data: bytes) -> Any:
        try:
            return read_or_fail(data)
        except (DecodeError, ValueError):
            return MalformedRequestError()

    return grpc.unary_unary_rpc_method_handler(
        handler.unary_unary, request_deserializer=read, response_serializer=handler.response_serializer
    )
