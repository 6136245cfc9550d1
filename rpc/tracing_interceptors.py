"""A span for each request of a gRPC server, and its timings if the caller requests them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpc.trace_context import TIMINGS, read_carried
from rpc.tracing import Span, Tracer, timings
from rpc.unary import AsyncUnaryInterceptor, Request, Response, UnaryInterceptor, async_status_code, status_code

if TYPE_CHECKING:
    import grpc

    from rpc.unary import Answer, AsyncAnswer, AsyncContext, Handler

_OURS = "/moodfeed."
"""Health checks and reflection are no requests of anybody."""

_OK = 0


class TracingInterceptor(UnaryInterceptor):
    """For a sync server; it stands outside the interceptor that measures, which names traces as examples."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Trace the methods of Moodfeed's services."""
        return super().wrap_handler(method, handler) if method.startswith(_OURS) else handler

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """Answer within a span."""
        name, tracer = method[1:], self._tracer

        def traced(request: Request, context: grpc.ServicerContext) -> Response:
            carried = read_carried(context.invocation_metadata())
            span = tracer.request(name, carried)
            if not isinstance(span, Span):
                return answer(request, context)
            with span:
                try:
                    response = answer(request, context)
                finally:
                    _note(span, status_code(context))
                if carried.wants_timings:
                    context.set_trailing_metadata(((TIMINGS, timings(span)),))
                return response

        return traced


class AsyncTracingInterceptor(AsyncUnaryInterceptor):
    """For an asyncio server."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def wrap_handler(self, method: str, handler: Handler[Request, Response]) -> Handler[Request, Response] | None:
        """Trace the methods of Moodfeed's services."""
        return super().wrap_handler(method, handler) if method.startswith(_OURS) else handler

    def wrap(self, method: str, answer: AsyncAnswer[Request, Response]) -> AsyncAnswer[Request, Response]:
        """Answer within a span."""
        name, tracer = method[1:], self._tracer

        async def traced(request: Request, context: AsyncContext[Request, Response]) -> Response:
            carried = read_carried(context.invocation_metadata())
            span = tracer.request(name, carried)
            if not isinstance(span, Span):
                return await answer(request, context)
            with span:
                try:
                    response = await answer(request, context)
                finally:
                    _note(span, async_status_code(context))
                if carried.wants_timings:
                    context.set_trailing_metadata(((TIMINGS, timings(span)),))
                return response

        return traced


def _note(span: Span, code: grpc.StatusCode | None) -> None:
    span.attributes["rpc.grpc.status_code"] = _OK if code is None else code.value[0]
