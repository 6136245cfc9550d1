"""Admission: accept as much work as can be done in time, refuse the rest at once, and always answer health checks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar, cast

import grpc
from prometheus_client import Counter, Gauge

from rpc.errors import ErrorRow, status_of_row
from rpc.metrics import record
from rpc.unary import Request, Response, UnaryInterceptor, with_answer

if TYPE_CHECKING:
    from rpc.unary import Answer, Handler

REFUSED = Counter("moodfeed_requests_refused_total", "Requests refused at once: too many were there.", ["method"])
IN_FLIGHT = Gauge("moodfeed_requests_in_flight", "Requests being answered or waiting for a thread.")
OVERLOADED = ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")

RETRY_AFTER_SECONDS = 0.1
"""How long refused callers are told to wait."""

_SIDE_THREADS = 4  # for health, reflection and admin calls: a reload may take one of them for a minute
_TOO_MANY = "too many requests in flight: try again later"
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class TooManyRequestsError(Exception):
    """More requests are in flight than this process takes; a later attempt may succeed."""

    retry_after_seconds = RETRY_AFTER_SECONDS


class AdmissionPool(ThreadPoolExecutor):
    """A thread pool that counts the calls that wait for a thread, and all calls that are not answered yet."""

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._lock = threading.Lock()
        self.waiting = 0
        self.in_flight = 0

    def submit(
        self, fn: Callable[_Parameters, _Result], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> Future[_Result]:
        """Queue a call."""
        with self._lock:
            self.waiting += 1
            self.in_flight += 1
        IN_FLIGHT.inc()
        return super().submit(self._start, fn, *args, **kwargs)

    def _start(
        self, fn: Callable[_Parameters, _Result], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Result:
        with self._lock:
            self.waiting -= 1
        try:
            return fn(*args, **kwargs)
        finally:
            with self._lock:
                self.in_flight -= 1
            IN_FLIGHT.dec()


class AdmissionInterceptor(UnaryInterceptor):
    """Refuses calls of the ``guarded`` services while ``most_waiting`` others wait for a thread of their pool.

    Refusals and all other services, health above all, are answered by threads of their own. The bound is exact because
    gRPC asks interceptors and fills the pool from one thread. It must be the first interceptor.
    """

    def __init__(
        self,
        pool: AdmissionPool,
        *,
        guarded: Collection[str],
        most_waiting: int,
        own_pools: Mapping[str, AdmissionPool] | None = None,
    ) -> None:
        """``own_pools`` names the pool of each method, ``/package.Service/Method``, that has one of its own."""
        super().__init__()
        self._pool = pool
        self._own_pools = own_pools or {}
        self._placed: dict[str, Handler[object, object]] = {}
        self._guarded = frozenset(guarded)
        self._most_waiting = most_waiting
        self._refusal = status_of_row(OVERLOADED, _TOO_MANY, retry_after_seconds=RETRY_AFTER_SECONDS)
        self._side_pool = ThreadPoolExecutor(_SIDE_THREADS, "side")

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler[Request, Response] | None:
        """Choose the threads; streams pass as they are."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = handler_call_details.method
        own_pool = self._own_pools.get(method)
        is_shed = (own_pool or self._pool).waiting >= self._most_waiting
        aside = self.wrapped(method, handler)
        if is_shed or not self._is_guarded(method):
            return aside
        return handler if own_pool is None else self._in_own_pool(method, handler, own_pool)

    def _in_own_pool(
        self, method: str, handler: Handler[Request, Response], pool: AdmissionPool
    ) -> Handler[Request, Response]:
        if method not in self._placed:

            def answer_there(request: Request, context: grpc.ServicerContext) -> Response:
                return cast("Response", handler.unary_unary(request, context))  # type: ignore[misc] # it is unary

            answer_there.experimental_thread_pool = pool  # type: ignore[attr-defined] # gRPC's own name for it
            self._placed[method] = cast("Handler[object, object]", with_answer(handler, answer_there))
        return cast("Handler[Request, Response]", self._placed[method])

    def wrap(self, method: str, answer: Answer[Request, Response]) -> Answer[Request, Response]:
        """What the side threads answer: a refusal for a guarded service, the answer itself for all others."""

        def refuse(request: Request, context: grpc.ServicerContext) -> NoReturn:  # noqa: ARG001 - whatever it asks
            REFUSED.labels(method).inc()
            record(method, grpc.StatusCode.RESOURCE_EXHAUSTED, 0.0)
            context.abort_with_status(self._refusal)

        def answer_aside(request: Request, context: grpc.ServicerContext) -> Response:
            return answer(request, context)

        aside: Answer[Request, Response] = refuse if self._is_guarded(method) else answer_aside
        aside.experimental_thread_pool = self._side_pool  # type: ignore[attr-defined] # gRPC's own name for it
        return aside

    def _is_guarded(self, method: str) -> bool:
        return method[1:].partition("/")[0] in self._guarded


class InFlight:
    """Counts the requests in flight of an asyncio process, over all its edges, and refuses those beyond the limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    @contextmanager
    def admitted(self, method: str, *, requests: int = 1) -> Iterator[None]:
        """Count a request while the block runs; TooManyRequestsError at once if too many are in flight.

        One that counts as several ``requests``, and as more than may be in flight at all, is admitted alone.
        """
        if self.count >= self._most or (self.count and self.count + requests > self._most):
            REFUSED.labels(method).inc()
            raise TooManyRequestsError(_TOO_MANY)
        self.count += requests
        IN_FLIGHT.inc(requests)
        try:
            yield
        finally:
            self.count -= requests
            IN_FLIGHT.dec(requests)
