"""One call to a service of several replicas: whom each attempt asks, how long it may take, whether another follows.

Every call between our services is a read, so a failed attempt may be repeated. Calls take turns among the replicas. A
retry goes to a replica that the call has not asked yet, as long as there is one.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import grpc
from prometheus_client import Counter

from rpc.errors import read_error_info
from rpc.replicas import Replica
from rpc.tracing import Span, stage

RETRIES = Counter("moodfeed_downstream_retries_total", "Attempts made again on another replica.", ["service", "cause"])
RETRIES_REFUSED = Counter(
    "moodfeed_downstream_retries_refused_total", "Attempts not made again: the retry budget is spent.", ["service"]
)

MOST_ATTEMPTS = 3
BACKOFF_SECONDS = 0.02
"""Average wait before an attempt that asks the same replica a second time; it doubles with each further attempt."""

BUDGET = 100.0
BUDGET_REFILL = 0.1

Stub = TypeVar("Stub")
Request = TypeVar("Request")
Response = TypeVar("Response")
_Item = TypeVar("_Item")


class NoReplicaError(Exception):
    """No replica of the service is well."""


class RetryCause(StrEnum):
    """Why another attempt may succeed where one failed; the value is the metric's label."""

    UNAVAILABLE = "unavailable"  # the replica could not be reached
    TIMEOUT = "timeout"  # the attempt used up its share of the call's time, and some of that time is left
    ELSEWHERE = "elsewhere"  # the replica lacks what another one may have


class RetryBudget:
    """Limits retries to ``BUDGET`` at once and, in the long run, to ``BUDGET_REFILL`` for each successful call.

    Without a limit, retries would multiply the load on a service that fails because of its load.
    """

    def __init__(self) -> None:
        self._left = BUDGET

    def spend(self) -> bool:
        """Pay for one retry; False if the budget does not allow it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """Count a successful call."""
        self._left = min(BUDGET, self._left + BUDGET_REFILL)


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Stub]):
    """The replica that is asked, and the seconds that it has."""

    replica: Replica[Stub]
    seconds: float
    leaves_time: bool  # whether the call has time left when the attempt has used up its own


class Candidates(Protocol[Stub]):
    """The replicas that calls take turns among."""

    @property
    def service(self) -> str:
        """The name of their service."""

    def candidates(self) -> list[Replica[Stub]]:
        """The replicas to ask."""

    def leave_alone(self, replica: Replica[Stub]) -> None:
        """Take one that did not answer in time out of the candidates."""


class RetryingCalls(Generic[Stub]):
    """Makes calls to a service; for one event loop.

    An attempt gets ``attempt_seconds`` while another replica is left to ask, and all the remaining time otherwise. An
    error with a reason in ``elsewhere`` says that the replica lacks what another one may have.
    """

    def __init__(
        self, replicas: Candidates[Stub], *, attempt_seconds: float, elsewhere: Collection[str] = frozenset()
    ) -> None:
        self._replicas = replicas
        self._attempt_seconds = attempt_seconds
        self._elsewhere = frozenset(elsewhere)
        self._budget = RetryBudget()
        self._call_turns = itertools.count()
        self._retry_turns = itertools.count()  # of their own: else the neighbour of a dead replica gets all its calls

    async def call(
        self,
        method: Callable[[Stub], grpc.aio.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        *,
        seconds: float,
    ) -> Response:
        """Return the answer of any replica within ``seconds``, all attempts together.

        Raises NoReplicaError, or the grpc.aio.AioRpcError of the last attempt.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        tried: list[Replica[Stub]] = []
        while True:
            attempt = self._next_attempt(tried, seconds_left=end - clock())
            try:
                response = await _ask(
                    method(attempt.replica.stub), request, attempt, self._replicas.service, number=len(tried) + 1
                )
            except grpc.aio.AioRpcError as error:
                if is_unresponsive(error, seconds=attempt.seconds, attempt_seconds=self._attempt_seconds):
                    self._replicas.leave_alone(attempt.replica)
                tried.append(attempt.replica)
                cause = retry_cause(error, elsewhere=self._elsewhere, leaves_time=attempt.leaves_time)
                if cause is None or not self._may_retry(cause, tried, seconds_left=end - clock()):
                    raise
                RETRIES.labels(self._replicas.service, cause).inc()
                if not untried(self._replicas.candidates(), tried):
                    await asyncio.sleep(backoff_seconds(len(tried)))
            else:
                self._budget.refill()
                return response

    def _next_attempt(self, tried: Sequence[Replica[Stub]], *, seconds_left: float) -> Attempt[Stub]:
        candidates = self._replicas.candidates()
        if not candidates:
            raise NoReplicaError(f"no replica of {self._replicas.service} is healthy")
        fresh = untried(candidates, tried)
        turns = self._retry_turns if tried else self._call_turns
        seconds = share_of_time(seconds_left, attempt_seconds=self._attempt_seconds, fresh=len(fresh))
        return Attempt(pick(fresh or candidates, next(turns)), seconds, leaves_time=seconds < seconds_left)

    def _may_retry(self, cause: RetryCause, tried: Sequence[Replica[Stub]], *, seconds_left: float) -> bool:
        if not another_may_help(cause, self._replicas.candidates(), tried, seconds_left=seconds_left):
            return False
        if cause is RetryCause.ELSEWHERE or self._budget.spend():  # a swap of bundles sends many calls elsewhere
            return True
        RETRIES_REFUSED.labels(self._replicas.service).inc()
        return False


async def _ask(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    attempt: Attempt[Stub],
    service: str,
    *,
    number: int,
) -> Response:
    """The answer of one attempt, which is a span of its own where the request is traced."""
    with stage(f"call {service}", "client") as span:
        if not isinstance(span, Span):
            return await method(request, timeout=attempt.seconds)
        span.attributes |= {
            "rpc.method": type(request).__name__.removesuffix("Request"),
            "server.address": attempt.replica.address,
            "attempt": number,
        }
        try:
            return await method(request, timeout=attempt.seconds, metadata=span.outgoing)
        except grpc.aio.AioRpcError as error:
            span.attributes["rpc.grpc.status_code"] = error.code().value[0]
            raise


def retry_cause(error: grpc.aio.AioRpcError, *, elsewhere: Collection[str], leaves_time: bool) -> RetryCause | None:
    """The cause for which a failed attempt may be repeated; None if a repetition could not help."""
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return RetryCause.UNAVAILABLE
        case grpc.StatusCode.DEADLINE_EXCEEDED if leaves_time:
            return RetryCause.TIMEOUT
        case grpc.StatusCode.FAILED_PRECONDITION if read_error_info(error).reason in elsewhere:
            return RetryCause.ELSEWHERE
        case grpc.StatusCode.UNIMPLEMENTED:  # by a replica of an older release, in the middle of an upgrade
            return RetryCause.ELSEWHERE
        case _:
            return None


def another_may_help(
    cause: RetryCause, candidates: Sequence[_Item], tried: Sequence[_Item], *, seconds_left: float
) -> bool:
    """Whether a call that ``tried`` these replicas has an attempt left, time for it, and a replica to ask."""
    if len(tried) >= MOST_ATTEMPTS or seconds_left <= 0:
        return False
    return bool(untried(candidates, tried) if cause is RetryCause.ELSEWHERE else candidates)


def is_unresponsive(error: grpc.aio.AioRpcError, *, seconds: float, attempt_seconds: float) -> bool:
    """Whether a replica that did not answer in ``seconds`` must be taken for unresponsive.

    A caller with little time left says nothing about the replica, so at least half of an attempt must have passed.
    """
    return error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and seconds >= attempt_seconds / 2


def share_of_time(seconds_left: float, *, attempt_seconds: float, fresh: int) -> float:
    """The seconds of an attempt, 0 or more; ``fresh`` counts the replicas not asked yet, the attempt's own included."""
    has_fallback = fresh > 1
    return max(0.0, min(seconds_left, attempt_seconds) if has_fallback else seconds_left)


def untried(candidates: Sequence[_Item], tried: Collection[_Item]) -> list[_Item]:
    """The candidates that the call has not asked yet, in order."""
    return [replica for replica in candidates if replica not in tried]


def pick(candidates: Sequence[_Item], turn: int) -> _Item:
    """The candidate whose turn it is."""
    return candidates[turn % len(candidates)]


def backoff_seconds(attempts: int) -> float:
    """The wait after so many failed ``attempts``, with 50 % of jitter either way."""
    return BACKOFF_SECONDS * 2.0 ** (attempts - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
