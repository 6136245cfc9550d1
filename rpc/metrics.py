"""Prometheus metrics of a gRPC process: how many requests, how they ended, how long they took."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import grpc
from prometheus_client import Counter, Histogram

from rpc.tracing import exemplar
from rpc.unary import AsyncUnaryInterceptor, Request, Response, UnaryInterceptor, async_status_code, status_code

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rpc.unary import Answer, AsyncAnswer, AsyncContext, Handler

REQUESTS = Counter("moodfeed_rpc_requests_total", "Requests answered, by final status.", ["service", "method", "code"])
DURATION = Histogram(
    "moodfeed_rpc_duration_seconds",
    "Time from a handler's start to its end.",
    ["service", "method"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


_UNKNOWN_METHOD = "/unknown/unknown"  # callers may invent any number of names: they share one series


class MetricsInterceptor(UnaryInterceptor):
    """Counts the unary requests of a sync server, and the calls of methods that it does not have."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler[Request, Response] | None:
        """The measured handler; gRPC itself refuses a call that has none."""
        handler = super().intercept_service(continuation, handler_call_details)
        if handler is None:
            record(_UNKNOWN_METHOD, grpc.StatusCode.UNIMPLEMENTED, 0.0)
        return handler

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """Measure and count."""

        def measured(request: Request, context: grpc.ServicerContext) -> Response:
            started = time.perf_counter()
            try:
                return answer(request, context)
            finally:
                record(method, status_code(context), time.perf_counter() - started)

        return measured


class AsyncMetricsInterceptor(AsyncUnaryInterceptor):
    """Counts the unary requests of an asyncio server, and the calls of methods that it does not have."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler[Request, Response] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler[Request, Response] | None:
        """The measured handler; gRPC itself refuses a call that has none."""
        handler = await super().intercept_service(continuation, handler_call_details)
        if handler is None:
            record(_UNKNOWN_METHOD, grpc.StatusCode.UNIMPLEMENTED, 0.0)
        return handler

    def wrap(self, method: str, answer: AsyncAnswer[Request, Response]) -> AsyncAnswer[Request, Response]:
        """Measure and count."""

        async def measured(request: Request, context: AsyncContext[Request, Response]) -> Response:
            started = time.perf_counter()
            try:
                return await answer(request, context)
            finally:
                record(method, async_status_code(context), time.perf_counter() - started)

        return measured


def record(path: str, code: grpc.StatusCode | None, seconds: float) -> None:
    """Count one request of ``/package.Service/Method``; no code means OK."""
    counter, histogram = _series(path, code or grpc.StatusCode.OK)
    counter.inc()
    histogram.observe(seconds, exemplar())


@cache  # a few entries for each method: looking a series up by its labels takes longer than counting
def _series(path: str, code: grpc.StatusCode) -> tuple[Counter, Histogram]:
    service, method = path.strip("/").rsplit("/", 1)
    return REQUESTS.labels(service, method, code.name), DURATION.labels(service, method)
