"""Whom each attempt asks, how long it may take, and whether another follows: in virtual time, without sockets."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc
import pytest
from prometheus_client import REGISTRY

from rpc.attempts import (
    MOST_ATTEMPTS,
    NoReplicaError,
    RetryBudget,
    RetryCause,
    RetryingCalls,
    another_may_help,
    backoff_seconds,
    is_unresponsive,
    pick,
    retry_cause,
    share_of_time,
    untried,
)
from rpc.errors import ErrorRow, status_of_row
from rpc.tracing import Span, Tracer
from tests.rpc.virtual_time import run_in_virtual_time

CODE = grpc.StatusCode
ATTEMPT_SECONDS = 0.5


def error_of(code: grpc.StatusCode, reason: str = "") -> grpc.aio.AioRpcError:
    trailing = status_of_row(ErrorRow(code, reason), "text").trailing_metadata if reason else ()
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), "text")


UNAVAILABLE = error_of(CODE.UNAVAILABLE)
NOT_HELD = error_of(CODE.FAILED_PRECONDITION, "BUNDLE_NOT_HELD")


class SilentError(Exception):
    """Stands for an answer that does not come."""


@dataclass(eq=False)
class Replica:
    """Answers with its name, or as ``does`` says; notes when it was asked and how long it was given."""

    name: str
    does: Exception | None = None
    asked_at: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    told: list[object] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.name

    @property
    def stub(self) -> "Replica":
        return self

    async def answer(
        self,
        request: str,
        *,
        timeout: float,  # noqa: ASYNC109 - gRPC's own
        metadata: object = None,
    ) -> str:
        self.told.append(metadata)
        self.asked_at.append(asyncio.get_running_loop().time())
        self.given.append(timeout)
        if isinstance(self.does, SilentError):
            await asyncio.sleep(timeout)
            raise error_of(CODE.DEADLINE_EXCEEDED)
        if self.does:
            raise self.does
        return f"{request} by {self.name}"


@dataclass
class Pool:
    """The replicas that are well; one that is left alone no longer is."""

    well: list[Replica]
    service: str = "named"

    def candidates(self) -> list[Replica]:
        return list(self.well)

    def leave_alone(self, replica: Replica) -> None:
        self.well.remove(replica)


def calls_to(*replicas: Replica) -> RetryingCalls:
    return RetryingCalls(Pool(list(replicas)), attempt_seconds=ATTEMPT_SECONDS, elsewhere={"BUNDLE_NOT_HELD"})


def ask(calls: RetryingCalls, *, times: int = 1, seconds: float = 2.0) -> list[str | Exception]:
    """The answers and errors of so many calls, one after the other."""

    async def asking() -> list[str | Exception]:
        answers: list[str | Exception] = []
        for _ in range(times):
            try:
                answers.append(await calls.call(lambda stub: stub.answer, "asked", seconds=seconds))
            except (grpc.aio.AioRpcError, NoReplicaError) as error:
                answers.append(error)
        return answers

    return run_in_virtual_time(asking())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": "named", **labels}) or 0.0


def numbers_asked(*replicas: Replica) -> list[int]:
    return [len(replica.asked_at) for replica in replicas]


# Decisions


@pytest.mark.parametrize(
    ("error", "leaves_time", "cause"),
    [
        (UNAVAILABLE, True, RetryCause.UNAVAILABLE),
        (UNAVAILABLE, False, RetryCause.UNAVAILABLE),
        (error_of(CODE.DEADLINE_EXCEEDED), True, RetryCause.TIMEOUT),
        (error_of(CODE.DEADLINE_EXCEEDED), False, None),
        (NOT_HELD, True, RetryCause.ELSEWHERE),
        (NOT_HELD, False, RetryCause.ELSEWHERE),
        (error_of(CODE.FAILED_PRECONDITION, "ANOTHER_REASON"), True, None),
        (error_of(CODE.FAILED_PRECONDITION), True, None),
        (error_of(CODE.NOT_FOUND, "BUNDLE_NOT_HELD"), True, None),
        (error_of(CODE.UNIMPLEMENTED), False, RetryCause.ELSEWHERE),
        *(
            (error_of(code), True, None)
            for code in CODE
            if code.name not in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"}
        ),
    ],
)
def test_an_error_is_retried_only_if_another_attempt_may_succeed(
    error: grpc.aio.AioRpcError, leaves_time: bool, cause: RetryCause | None
) -> None:
    assert retry_cause(error, elsewhere={"BUNDLE_NOT_HELD"}, leaves_time=leaves_time) is cause


@pytest.mark.parametrize(
    ("cause", "candidates", "tried", "seconds_left", "expected"),
    [
        (RetryCause.UNAVAILABLE, "ab", "a", 1.0, True),
        (RetryCause.UNAVAILABLE, "a", "a", 1.0, True),
        (RetryCause.UNAVAILABLE, "a", "aa", 0.001, True),
        (RetryCause.UNAVAILABLE, "a", "aaa", 1.0, False),
        (RetryCause.UNAVAILABLE, "a", "aaaa", 1.0, False),
        (RetryCause.UNAVAILABLE, "ab", "a", 0.0, False),
        (RetryCause.UNAVAILABLE, "ab", "a", -1.0, False),
        (RetryCause.UNAVAILABLE, "", "a", 1.0, False),
        (RetryCause.TIMEOUT, "b", "a", 1.0, True),
        (RetryCause.TIMEOUT, "a", "a", 1.0, True),
        (RetryCause.ELSEWHERE, "ab", "a", 1.0, True),
        (RetryCause.ELSEWHERE, "ab", "ab", 1.0, False),
        (RetryCause.ELSEWHERE, "a", "a", 1.0, False),
        (RetryCause.ELSEWHERE, "", "a", 1.0, False),
        (RetryCause.ELSEWHERE, "abcd", "abc", 1.0, False),
    ],
)
def test_another_attempt_needs_a_replica_to_ask_and_time_and_is_at_most_the_third(
    cause: RetryCause, candidates: Sequence[str], tried: Sequence[str], seconds_left: float, expected: bool
) -> None:
    assert another_may_help(cause, candidates, tried, seconds_left=seconds_left) is expected


@pytest.mark.parametrize(
    ("code", "seconds", "expected"),
    [
        (CODE.DEADLINE_EXCEEDED, 0.5, True),
        (CODE.DEADLINE_EXCEEDED, 0.25, True),
        (CODE.DEADLINE_EXCEEDED, 2.0, True),
        (CODE.DEADLINE_EXCEEDED, 0.249, False),
        (CODE.DEADLINE_EXCEEDED, 0.0, False),
        (CODE.UNAVAILABLE, 0.5, False),
    ],
)
def test_a_replica_is_unresponsive_after_half_an_attempt_without_an_answer(
    code: grpc.StatusCode, seconds: float, expected: bool
) -> None:
    assert is_unresponsive(error_of(code), seconds=seconds, attempt_seconds=0.5) is expected


@pytest.mark.parametrize(
    ("left", "fresh", "expected"),
    [(2.0, 3, 0.5), (2.0, 2, 0.5), (0.3, 2, 0.3), (2.0, 1, 2.0), (2.0, 0, 2.0), (-1.0, 2, 0.0), (-1.0, 1, 0.0)],
)
def test_an_attempt_gets_its_share_while_another_replica_is_left_and_all_the_time_otherwise(
    left: float, fresh: int, expected: float
) -> None:
    assert share_of_time(left, attempt_seconds=0.5, fresh=fresh) == expected


def test_the_replicas_not_tried_yet_keep_their_order() -> None:
    assert untried("abcd", "ca") == ["b", "d"]
    assert untried("ab", "ab") == []


def test_turns_go_round() -> None:
    assert "".join(pick("abc", turn) for turn in range(7)) == "abcabca"


def test_the_backoff_doubles_and_varies_by_half_either_way() -> None:
    for attempts, average in ((1, 0.02), (2, 0.04), (3, 0.08)):
        waits = [backoff_seconds(attempts) for _ in range(2_000)]
        assert 0.5 * average <= min(waits) < 0.55 * average
        assert 1.45 * average < max(waits) <= 1.5 * average


def test_the_budget_pays_for_a_hundred_retries_at_once_and_for_one_in_ten_successes() -> None:
    budget = RetryBudget()
    for _ in range(20):
        budget.refill()  # a full budget does not grow
    assert [budget.spend() for _ in range(101)] == [True] * 100 + [False]
    for _ in range(9):
        budget.refill()
    assert not budget.spend()
    for _ in range(2):  # ten tenths in floating point are a little less than one
        budget.refill()
    assert budget.spend()
    assert not budget.spend()


# Calls


def test_calls_take_turns() -> None:
    one, two = Replica("one"), Replica("two")
    assert ask(calls_to(one, two), times=4) == ["asked by one", "asked by two"] * 2


def test_the_only_replica_gets_all_the_time() -> None:
    one = Replica("one")
    ask(calls_to(one))
    assert one.given == [2.0]


def test_a_retry_asks_a_replica_that_the_call_has_not_asked_and_does_so_at_once() -> None:
    one, two, three = Replica("one", UNAVAILABLE), Replica("two", UNAVAILABLE), Replica("three")
    before = counted("moodfeed_downstream_retries_total", cause="unavailable")
    assert ask(calls_to(one, two, three)) == ["asked by three"]
    assert (one.asked_at, two.asked_at, three.asked_at) == ([0.0], [0.0], [0.0])
    assert counted("moodfeed_downstream_retries_total", cause="unavailable") == before + 2


def test_the_other_replicas_share_the_retries_of_a_dead_one() -> None:
    dead, two, three = Replica("dead", UNAVAILABLE), Replica("two"), Replica("three")
    ask(calls_to(dead, two, three), times=12)
    assert numbers_asked(dead, two, three) == [4, 6, 6]


def test_the_last_of_three_attempts_raises_its_error() -> None:
    one = Replica("one", UNAVAILABLE)
    assert ask(calls_to(one)) == [UNAVAILABLE]
    assert len(one.asked_at) == MOST_ATTEMPTS == 3


def test_attempts_at_the_same_replica_wait_and_the_second_wait_is_the_longer_one() -> None:
    one = Replica("one", UNAVAILABLE)
    ask(calls_to(one))
    first, second, third = one.asked_at
    assert 0.01 <= second - first <= 0.03
    assert 0.02 <= third - second <= 0.06


def test_once_every_replica_is_tried_a_call_waits_before_it_asks_one_again() -> None:
    one, two = Replica("one", UNAVAILABLE), Replica("two", UNAVAILABLE)
    assert ask(calls_to(one, two)) == [UNAVAILABLE]
    assert one.asked_at[0] == two.asked_at[0] == 0.0
    (last,) = one.asked_at[1:] + two.asked_at[1:]
    assert 0.02 <= last <= 0.06


def test_a_silent_replica_costs_one_share_of_the_time_and_is_left_alone() -> None:
    silent, other = Replica("silent", SilentError()), Replica("other")
    before = counted("moodfeed_downstream_retries_total", cause="timeout")
    assert ask(calls_to(silent, other), times=3) == ["asked by other"] * 3
    assert (silent.given, other.given[0], other.asked_at[0]) == ([0.5], 1.5, 0.5)
    assert numbers_asked(silent, other) == [1, 3]
    assert counted("moodfeed_downstream_retries_total", cause="timeout") == before + 1


def test_all_attempts_together_take_no_longer_than_the_call_may() -> None:
    replicas = [Replica(name, SilentError()) for name in ("one", "two", "three")]

    async def asking() -> float:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await calls_to(*replicas).call(lambda stub: stub.answer, "asked", seconds=1.2)
        assert caught.value.code() is CODE.DEADLINE_EXCEEDED
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(asking()) == pytest.approx(1.2)
    assert sorted(replica.given[0] for replica in replicas) == pytest.approx([0.2, 0.5, 0.5])


def test_a_call_with_little_time_left_says_nothing_about_its_replica() -> None:
    one, two = Replica("one", SilentError()), Replica("two", SilentError())
    pool = Pool([one, two])
    calls = RetryingCalls(pool, attempt_seconds=ATTEMPT_SECONDS)
    (error,) = ask(calls, seconds=0.2)
    assert error.code() is CODE.DEADLINE_EXCEEDED
    assert (pool.well, numbers_asked(one, two)) == ([one, two], [1, 0])


def test_a_deadline_that_a_replica_reports_early_ends_a_call_whose_time_it_had_whole() -> None:
    one, two = Replica("one", error_of(CODE.DEADLINE_EXCEEDED)), Replica("two")
    (error,) = ask(calls_to(one, two), seconds=0.2)
    assert error.code() is CODE.DEADLINE_EXCEEDED
    assert numbers_asked(one, two) == [1, 0]


def test_what_one_replica_lacks_is_asked_of_each_other_once() -> None:
    one, two, three = (Replica(name, NOT_HELD) for name in ("one", "two", "three"))
    before = counted("moodfeed_downstream_retries_total", cause="elsewhere")
    assert ask(calls_to(one, two)) == [NOT_HELD]
    assert numbers_asked(one, two) == [1, 1]
    assert ask(calls_to(three)) == [NOT_HELD]
    assert numbers_asked(three) == [1]
    assert counted("moodfeed_downstream_retries_total", cause="elsewhere") == before + 1


def test_a_reason_that_is_not_named_is_asked_of_nobody_else() -> None:
    one, two = Replica("one", NOT_HELD), Replica("two")
    calls = RetryingCalls(Pool([one, two]), attempt_seconds=ATTEMPT_SECONDS)
    assert ask(calls) == [NOT_HELD]
    assert numbers_asked(one, two) == [1, 0]


def test_a_spent_budget_ends_retries_and_successes_bring_them_back() -> None:
    one = Replica("one", UNAVAILABLE)
    calls = calls_to(one)
    refused = counted("moodfeed_downstream_retries_refused_total")
    ask(calls, times=50)  # two retries each
    assert numbers_asked(one) == [150]
    ask(calls, times=10)
    assert numbers_asked(one) == [160]
    assert counted("moodfeed_downstream_retries_refused_total") == refused + 10
    one.does = None
    ask(calls, times=11)
    one.does = UNAVAILABLE
    ask(calls, times=1)
    assert numbers_asked(one) == [160 + 11 + 2]


def test_asking_elsewhere_costs_nothing_of_the_budget() -> None:
    one, two = Replica("one", NOT_HELD), Replica("two", NOT_HELD)
    calls = calls_to(one, two)
    ask(calls, times=200)
    one.does = two.does = UNAVAILABLE
    ask(calls)
    assert sum(numbers_asked(one, two)) == 400 + MOST_ATTEMPTS


def test_without_a_candidate_a_call_fails_before_any_attempt() -> None:
    (error,) = ask(calls_to())
    assert isinstance(error, NoReplicaError)
    assert "named" in str(error)


def test_an_error_of_the_last_candidate_is_raised_when_nobody_is_left_to_ask() -> None:
    one = Replica("one")
    pool = Pool([one])

    def lose(error: Exception) -> Callable[..., object]:
        async def answer(request: str, *, timeout: float) -> str:  # noqa: ASYNC109 - gRPC's own
            pool.well.clear()
            raise error

        return answer

    one.answer = lose(UNAVAILABLE)
    assert ask(RetryingCalls(pool, attempt_seconds=ATTEMPT_SECONDS)) == [UNAVAILABLE]


# Traces


def test_each_attempt_is_a_span_that_its_replica_hears_of() -> None:
    ended: list[Span] = []
    dead, alive = Replica("dead", UNAVAILABLE), Replica("alive")
    with Tracer(ended.append, ratio=1.0).request("request"):
        assert ask(calls_to(dead, alive)) == ["asked by alive"]
    first, second, _ = ended
    assert [(span.name, span.kind, span.error) for span in (first, second)] == [
        ("call named", "client", "AioRpcError"),
        ("call named", "client", ""),
    ]
    assert first.attributes == {
        "rpc.method": "str",
        "server.address": "dead",
        "attempt": 1,
        "rpc.grpc.status_code": CODE.UNAVAILABLE.value[0],
    }
    assert second.attributes == {"rpc.method": "str", "server.address": "alive", "attempt": 2}
    assert (dead.told, alive.told) == ([first.outgoing], [second.outgoing])


def test_an_attempt_of_nobody_who_is_traced_brings_no_metadata() -> None:
    replica = Replica("one")
    assert ask(calls_to(replica)) == ["asked by one"]
    assert replica.told == [None]
