"""Interceptors of unary methods that wrap each handler once, when it is first called, and not at every call."""

from collections.abc import Callable
from typing import Any

import grpc


class _Wrapping:
    """What becomes of each handler, by method: a server's handlers are made once and stay."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[Any, Any]] = {}  # method -> the handler, and what became of it

    def wrap(self, method: str, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """What answers (request, context) of ``/package.Service/Method`` in place of ``answer``."""
        raise NotImplementedError

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """What serves a method in place of ``handler``, None for nothing; streams pass as they are."""
        return handler if handler.unary_unary is None else with_answer(handler, self.wrap(method, handler.unary_unary))

    def wrapped(self, method: str, handler: Any) -> Any:
        """The same, remembered; of no handler nothing is, so that names nobody serves take no memory."""
        if handler is None:
            return None
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = (handler, self.wrap_handler(method, handler))
        return known[1]


class UnaryInterceptor(_Wrapping, grpc.ServerInterceptor):
    """For a sync server: ``wrap`` gives plain functions."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """The wrapped handler."""
        return self.wrapped(handler_call_details.method, continuation(handler_call_details))


class AsyncUnaryInterceptor(_Wrapping, grpc.aio.ServerInterceptor):
    """For an asyncio server: ``wrap`` gives coroutine functions."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """The wrapped handler."""
        return self.wrapped(handler_call_details.method, await continuation(handler_call_details))


def with_answer(handler: Any, answer: Callable[[Any, Any], Any]) -> Any:
    """The unary ``handler`` with another ``answer``, which may also be a message's bytes, and is then sent as it is."""
    write = handler.response_serializer

    def write_unless_written(response: Any) -> Any:
        return response if write is None or isinstance(response, bytes) else write(response)

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=handler.request_deserializer, response_serializer=write_unless_written
    )
