"""What of W3C trace context is read and written; OpenTelemetry's own reader is the judge of what we write."""

import pytest
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rpc.trace_context import NOTHING, Carried, read_carried, read_carried_headers, written

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


def test_a_request_without_any_of_the_keys_carries_nothing() -> None:
    assert read_carried((("user-agent", "x"), ("authorization", "Bearer t"))) is NOTHING
    assert read_carried_headers([(b"host", b"x")]) is NOTHING
    assert read_carried(None) is NOTHING


@pytest.mark.parametrize(("flags", "is_sampled"), [("01", True), ("00", False), ("03", True), ("fe", False)])
def test_a_trace_context_is_read_with_the_callers_decision(flags: str, is_sampled: bool) -> None:
    found = read_carried((("traceparent", f"00-{TRACE}-{PARENT}-{flags}"),))
    assert found == Carried(int(TRACE, 16), int(PARENT, 16), is_sampled)


def test_headers_and_metadata_are_read_alike_and_lists_of_state_are_joined() -> None:
    of_metadata = read_carried((("traceparent", SAMPLED), ("tracestate", "a=1"), ("tracestate", b"b=2")))
    of_headers = read_carried_headers(
        [(b"traceparent", SAMPLED.encode()), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    )
    assert of_metadata == of_headers
    assert of_metadata.state == "a=1,b=2"


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "00",
        SAMPLED.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"{SAMPLED}-more",
        f"{SAMPLED}\n00",
        "00-" + "é" * 32 + f"-{PARENT}-01",
    ],
)
def test_a_context_that_breaks_the_specification_is_none(broken: str) -> None:
    assert read_carried((("traceparent", broken), ("tracestate", "a=1"))).trace_id == 0
    assert read_carried_headers([(b"traceparent", broken.encode())]).trace_id == 0


def test_a_later_version_may_say_more() -> None:
    assert read_carried((("traceparent", f"01-{TRACE}-{PARENT}-01-more"),)).is_sampled


def test_a_state_that_is_too_long_is_left_out_and_the_trace_goes_on() -> None:
    found = read_carried((("traceparent", SAMPLED), ("tracestate", "a=" + "1" * 600)))
    assert (found.trace_id, found.state) == (int(TRACE, 16), "")


@pytest.mark.parametrize(("value", "wants"), [("1", True), ("0", False), ("true", False), ("", False)])
def test_timings_are_asked_for_by_the_number_one(value: str, wants: bool) -> None:
    assert read_carried((("moodfeed-timings", value),)).wants_timings is wants


def test_what_is_passed_on_is_understood_by_others() -> None:
    carrier = dict(written(int(TRACE, 16), int(PARENT, 16), "a=1,b=2"))
    context = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, PARENT)
    assert context.trace_flags.sampled
    assert context.trace_state.to_header() == "a=1,b=2"
    assert dict(written(1, 2, "")).keys() == {"traceparent"}
