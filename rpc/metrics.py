"""Prometheus metrics of a gRPC process: how many requests, how they ended, how long they took."""

import time
from typing import Any

import grpc
from prometheus_client import Counter, Histogram

REQUESTS = Counter("moodfeed_rpc_requests_total", "Requests answered, by final status.", ["service", "method", "code"])
DURATION = Histogram(
    "moodfeed_rpc_duration_seconds",
    "Time from a handler's start to its end.",
    ["service", "method"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


class MetricsInterceptor(grpc.ServerInterceptor):
    """Counts the unary requests of a sync server."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Wrap the handler; streams pass as they are."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        answer = handler.unary_unary

        def measured(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            try:
                return answer(request, context)
            finally:
                record(handler_call_details.method, context.code(), time.perf_counter() - started)

        return grpc.unary_unary_rpc_method_handler(
            measured, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


class AsyncMetricsInterceptor(grpc.aio.ServerInterceptor):
    """Counts the unary requests of an asyncio server."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Wrap the handler; streams pass as they are."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        answer = handler.unary_unary

        async def measured(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            try:
                return await answer(request, context)
            finally:
                record(handler_call_details.method, context.code(), time.perf_counter() - started)

        return grpc.unary_unary_rpc_method_handler(
            measured, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def record(path: str, code: Any, seconds: float) -> None:
    """Count one request of ``/package.Service/Method``; no code yet, or 0, is OK (asyncio contexts hold a number)."""
    service, method = path.strip("/").rsplit("/", 1)
    if not isinstance(code, grpc.StatusCode):
        code = next((status for status in grpc.StatusCode if status.value[0] == code), grpc.StatusCode.OK)
    REQUESTS.labels(service, method, code.name).inc()
    DURATION.labels(service, method).observe(seconds)
