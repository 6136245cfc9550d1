"""Interceptors of unary methods: each handler is wrapped once, when it is first called, and not at every call."""

from __future__ import annotations  # gRPC's own classes take no type arguments at run time

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

import grpc

if TYPE_CHECKING:
    from typing import TypeAlias

    Handler: TypeAlias = "grpc.RpcMethodHandler[Request, Response]"
    Answer: TypeAlias = "Callable[[Request, grpc.ServicerContext], Response]"
    AsyncContext: TypeAlias = "grpc.aio.ServicerContext[Request, Response]"
    AsyncAnswer: TypeAlias = "Callable[[Request, AsyncContext[Request, Response]], Awaitable[Response]]"

Request = TypeVar("Request")
Response = TypeVar("Response")
_CODES: Mapping[object, grpc.StatusCode] = {key: code for code in grpc.StatusCode for key in (code, code.value[0])}


class Wrapping:
    """Remembers what became of each handler, by method: a server's handlers are made once and stay."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[object, object]] = {}  # method -> the handler, and what it became

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """What serves ``/package.Service/Method`` in place of ``handler``; None if the method is not to be served."""
        raise NotImplementedError

    def wrapped(self, method: str, handler: Handler[Request, Response] | None) -> Handler[Request, Response] | None:
        """The same, remembered. Nothing is remembered of a method without a handler: callers may invent any number."""
        if handler is None:
            return None
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = (handler, self.wrap_handler(method, handler))
        return cast("Handler[Request, Response] | None", known[1])


class UnaryInterceptor(Wrapping, grpc.ServerInterceptor):
    """For a sync server: ``wrap`` takes and returns a function."""

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """What answers ``/package.Service/Method`` in place of ``answer``."""
        raise NotImplementedError

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Wrap the answer of a unary method; streams pass as they are."""
        return handler if handler.unary_unary is None else with_answer(handler, self.wrap(method, handler.unary_unary))

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler[Request, Response] | None:
        """The wrapped handler."""
        return self.wrapped(handler_call_details.method, continuation(handler_call_details))


class AsyncUnaryInterceptor(Wrapping, grpc.aio.ServerInterceptor):
    """For an asyncio server: ``wrap`` takes and returns a coroutine function."""

    def wrap(self, method: str, answer: AsyncAnswer[Request, Response]) -> AsyncAnswer[Request, Response]:
        """What answers ``/package.Service/Method`` in place of ``answer``."""
        raise NotImplementedError

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Wrap the answer of a unary method; streams pass as they are."""
        if handler.unary_unary is None:
            return handler
        answer = cast("AsyncAnswer[Request, Response]", handler.unary_unary)  # typed as if every server were sync
        return with_answer(handler, self.wrap(method, answer))

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler[Request, Response] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler[Request, Response] | None:
        """The wrapped handler."""
        return self.wrapped(handler_call_details.method, await continuation(handler_call_details))


def status_code(context: grpc.ServicerContext) -> grpc.StatusCode | None:
    """The code that a sync handler has set; None for OK. The type stubs of gRPC leave this method out."""
    return cast("grpc.StatusCode | None", context.code())  # type: ignore[attr-defined]


def async_status_code(context: AsyncContext[Request, Response]) -> grpc.StatusCode:
    """The code that an asyncio handler has set, or OK. Such a context may hold its number, whatever its type says."""
    code_or_number: object = context.code()
    return _CODES.get(code_or_number, grpc.StatusCode.OK)


def with_answer(
    handler: Handler[Request, Response], answer: Answer[Request, Response] | AsyncAnswer[Request, Response]
) -> Handler[Request, Response]:
    """The unary ``handler`` with another answer; one that is already bytes is sent as it is."""
    write = handler.response_serializer

    def write_unless_written(response: Response | bytes) -> bytes:
        return cast("bytes", response) if write is None or isinstance(response, bytes) else write(response)

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=handler.request_deserializer, response_serializer=write_unless_written
    )
