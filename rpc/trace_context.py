"""The tracing metadata of a request: W3C trace context, which is propagated, and the request for timings.

The keys are headers over HTTP and metadata over gRPC. Baggage is neither read nor passed on.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

TRACE_PARENT, TRACE_STATE = "traceparent", "tracestate"
WANTS_TIMINGS = "moodfeed-timings"
"""With the value ``1``, a caller requests the timings of the stages."""

TIMINGS = "server-timing"
"""Carries the timings: a header over HTTP, trailing metadata over gRPC."""

_KEYS = frozenset({TRACE_PARENT, TRACE_STATE, WANTS_TIMINGS})
_LONGEST_STATE = 512  # characters; a longer one may be left out, says the specification
_STATE = re.compile(r"[\x20-\x7e]*")  # what else a header over HTTP may hold, metadata over gRPC may not
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Carried(NamedTuple):
    """The tracing metadata of one request; ``trace_id`` is 0 without a valid trace context."""

    trace_id: int = 0
    parent_id: int = 0
    is_sampled: bool = False
    state: str = ""
    wants_timings: bool = False


NOTHING = Carried()


def read_carried(pairs: Iterable[tuple[str, str | bytes]] | None) -> Carried:
    """Read the metadata of a call; a trace context that breaks the specification counts as none."""
    found: dict[str, str] | None = None
    for key, value in pairs or ():
        if key in _KEYS:
            found = found or {}
            text = value if isinstance(value, str) else value.decode("latin-1")
            found[key] = f"{found[key]},{text}" if key in found else text
    return NOTHING if found is None else _carried(found)


def read_carried_headers(headers: Iterable[tuple[bytes, bytes]]) -> Carried:
    """The same of HTTP headers, whose names are in lower case."""
    found = [(name.decode("latin-1"), value) for name, value in headers if name in _BYTE_KEYS]
    return read_carried(found) if found else NOTHING


_BYTE_KEYS = frozenset(key.encode() for key in _KEYS)


def _carried(found: dict[str, str]) -> Carried:
    wants_timings = found.get(WANTS_TIMINGS) == "1"
    match = _PARENT.fullmatch(found.get(TRACE_PARENT, "").strip())
    if match is None or (match[4] and match[0].startswith("00")):
        return Carried(wants_timings=wants_timings)
    state = found.get(TRACE_STATE, "")
    return Carried(
        trace_id=int(match[1], 16),
        parent_id=int(match[2], 16),
        is_sampled=bool(int(match[3], 16) & 1),
        state=state if len(state) <= _LONGEST_STATE and _STATE.fullmatch(state) else "",
        wants_timings=wants_timings,
    )


def written(trace_id: int, span_id: int, state: str) -> tuple[tuple[str, str], ...]:
    """The metadata that makes a downstream call part of a sampled trace."""
    parent = ((TRACE_PARENT, f"00-{trace_id:032x}-{span_id:016x}-01"),)
    return (*parent, (TRACE_STATE, state)) if state else parent
