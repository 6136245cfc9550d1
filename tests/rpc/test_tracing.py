"""Which requests are traced, what their spans say, and that all others leave no trace."""

import asyncio
import time

import pytest

from rpc.trace_context import NOTHING, Carried
from rpc.tracing import (
    NO_TRACER,
    UNTRACED,
    Span,
    Tracer,
    context_with,
    current,
    exemplar,
    stage,
    staged,
    timings,
)

SAMPLED = Carried(trace_id=7, parent_id=8, is_sampled=True, state="a=1")
NOT_SAMPLED = SAMPLED._replace(is_sampled=False)
TIMED = Carried(wants_timings=True)


@pytest.fixture
def ended() -> list[Span]:
    return []


@pytest.fixture
def tracer(ended: list[Span]) -> Tracer:
    return Tracer(ended.append, ratio=1.0)


def test_outside_a_traced_request_a_stage_is_nothing() -> None:
    with stage("work") as span:
        assert span is UNTRACED
        assert not span
        span.note(rows=1)
        assert current() is UNTRACED
    assert UNTRACED.outgoing is None
    assert exemplar() is None


def test_stages_are_children_of_the_stage_around_them(tracer: Tracer, ended: list[Span]) -> None:
    with tracer.request("request") as request:
        with stage("outer") as outer, stage("inner") as inner:
            assert current() is inner
        with stage("next") as following:
            pass
    assert isinstance(request, Span)
    assert isinstance(outer, Span)
    assert isinstance(inner, Span)
    assert isinstance(following, Span)
    assert [span.name for span in ended] == ["inner", "outer", "next", "request"]
    assert (inner.parent_id, outer.parent_id, following.parent_id) == (outer.span_id, request.span_id, request.span_id)
    assert request.parent_id == 0
    assert {span.recording for span in ended} == {request.recording}
    assert request.started <= outer.started <= inner.started <= inner.ended <= outer.ended <= request.ended
    assert current() is UNTRACED


def test_an_error_is_told_by_its_class_alone(tracer: Tracer, ended: list[Span]) -> None:
    with pytest.raises(ValueError, match="ana"), tracer.request("request"), stage("work"):
        raise ValueError("ana feels sad")
    assert [(span.name, span.error) for span in ended] == [("work", "ValueError"), ("request", "ValueError")]


def test_without_a_receiver_nothing_is_traced_whatever_the_caller_says() -> None:
    assert NO_TRACER.request("request") is UNTRACED
    assert NO_TRACER.request("request", SAMPLED) is UNTRACED


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0])
def test_of_requests_that_belong_to_no_trace_a_share_is_traced(ended: list[Span], ratio: float) -> None:
    tracer = Tracer(ended.append, ratio=ratio)
    traced = sum(bool(tracer.request("request", NOTHING)) for _ in range(4000))
    assert 4000 * ratio - 200 <= traced <= 4000 * ratio + 200
    assert traced in {0, 4000} or 0 < ratio < 1


def test_the_decision_of_the_caller_is_followed_and_its_trace_continued(ended: list[Span]) -> None:
    tracer = Tracer(ended.append, ratio=0.0)
    assert tracer.request("request", NOT_SAMPLED) is UNTRACED
    assert Tracer(ended.append, ratio=1.0).request("request", NOT_SAMPLED) is UNTRACED
    span = tracer.request("request", SAMPLED)
    assert isinstance(span, Span)
    assert (span.recording.trace_id, span.parent_id) == (7, 8)
    assert span.outgoing == (("traceparent", f"00-{7:032x}-{span.span_id:016x}-01"), ("tracestate", "a=1"))


def test_callers_who_are_not_followed_decide_nothing_but_their_trace_goes_on(ended: list[Span]) -> None:
    assert Tracer(ended.append, ratio=0.0, follows_callers=False).request("request", SAMPLED) is UNTRACED
    span = Tracer(ended.append, ratio=1.0, follows_callers=False).request("request", NOT_SAMPLED)
    assert isinstance(span, Span)
    assert (span.recording.trace_id, span.parent_id) == (7, 8)


def test_timings_are_kept_where_nothing_is_traced_and_nothing_is_exported_or_passed_on() -> None:
    span = NO_TRACER.request("request", TIMED)
    assert isinstance(span, Span)
    with span:
        with stage("search posts") as inner:
            time.sleep(0.002)
            assert inner.outgoing is None
            assert exemplar() is None
        told = timings(span)
    assert [part.split(";dur=")[0] for part in told.split(", ")] == ["search-posts", "total"]
    stage_ms, total_ms = (float(part.split(";dur=")[1]) for part in told.split(", "))
    assert 2 <= stage_ms <= total_ms < 1000


def test_timings_of_a_request_that_is_not_sampled_are_not_exported(ended: list[Span]) -> None:
    with Tracer(ended.append, ratio=1.0).request("request", NOT_SAMPLED._replace(wants_timings=True)) as span:
        assert isinstance(span, Span)
        with stage("work"):
            pass
        assert timings(span).startswith("work;dur=")
    assert ended == []


def test_an_example_names_the_trace_and_the_span(tracer: Tracer) -> None:
    with tracer.request("request", SAMPLED) as span:
        assert isinstance(span, Span)
        assert exemplar() == {"trace_id": f"{7:032x}", "span_id": f"{span.span_id:016x}"}


def test_a_task_of_nobody_takes_no_trace_along(tracer: Tracer) -> None:
    seen: list[object] = []

    async def work() -> None:
        seen.append(current())

    async def run() -> None:
        with tracer.request("request") as span:
            await asyncio.create_task(work())
            await asyncio.create_task(work(), context=context_with(UNTRACED))
            assert current() is span
            with stage("other") as other:
                pass
            await asyncio.create_task(work(), context=context_with(other))
            assert seen == [span, UNTRACED, other]

    asyncio.run(run())


def test_a_function_can_be_a_stage(tracer: Tracer, ended: list[Span]) -> None:
    @staged("double")
    def double(number: int) -> int:
        """Twice the number."""
        return 2 * number

    assert double(2) == 4
    assert double.__doc__ == "Twice the number."
    with tracer.request("request"):
        assert double(3) == 6
    assert [span.name for span in ended] == ["double", "request"]


def test_a_span_links_to_the_one_that_did_its_work_but_not_to_itself(tracer: Tracer) -> None:
    with tracer.request("one") as one, stage("a") as a:
        a.link(a)
        a.link(UNTRACED)
        a.link(one)
    assert isinstance(a, Span)
    assert isinstance(one, Span)
    assert a.links == [(one.recording.trace_id, one.span_id)]
