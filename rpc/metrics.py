"""Prometheus metrics of a gRPC process: how many requests, how they ended, how long they took."""

import time
from functools import cache
from typing import Any

import grpc
from prometheus_client import Counter, Histogram

from rpc.unary import AsyncUnaryInterceptor, UnaryInterceptor

REQUESTS = Counter("moodfeed_rpc_requests_total", "Requests answered, by final status.", ["service", "method", "code"])
DURATION = Histogram(
    "moodfeed_rpc_duration_seconds",
    "Time from a handler's start to its end.",
    ["service", "method"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


class MetricsInterceptor(UnaryInterceptor):
    """Counts the unary requests of a sync server."""

    def wrap(self, method: str, answer: Any) -> Any:
        """Measure and count."""

        def measured(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            try:
                return answer(request, context)
            finally:
                record(method, context.code(), time.perf_counter() - started)

        return measured


class AsyncMetricsInterceptor(AsyncUnaryInterceptor):
    """Counts the unary requests of an asyncio server."""

    def wrap(self, method: str, answer: Any) -> Any:
        """Measure and count."""

        async def measured(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            try:
                return await answer(request, context)
            finally:
                record(method, context.code(), time.perf_counter() - started)

        return measured


def record(path: str, code: Any, seconds: float) -> None:
    """Count one request of ``/package.Service/Method``; no code yet, or 0, is OK (asyncio contexts hold a number)."""
    counter, histogram = _series(path, code)
    counter.inc()
    histogram.observe(seconds)


@cache  # as many as there are methods and codes: to look a series up by its labels takes longer than to count
def _series(path: str, code: Any) -> tuple[Counter, Histogram]:
    service, method = path.strip("/").rsplit("/", 1)
    if not isinstance(code, grpc.StatusCode):
        code = next((status for status in grpc.StatusCode if status.value[0] == code), grpc.StatusCode.OK)
    return REQUESTS.labels(service, method, code.name), DURATION.labels(service, method)
