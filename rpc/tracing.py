"""Traces: which requests are traced, and the spans of those that are.

A span is open while the block of its ``with`` runs, and the spans that begin meanwhile are its children. Of a request
that is not traced, ``stage`` costs the look at one variable. A span holds names and numbers of the program alone:
nothing that a caller wrote may become its name or an attribute.
"""

from __future__ import annotations

import random
import time
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Literal, ParamSpec, Self, TypeAlias, TypeVar

from rpc import wall_clock
from rpc.trace_context import NOTHING, Carried, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

Kind: TypeAlias = Literal["server", "client", "internal"]
Attribute: TypeAlias = "bool | int | str"

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_source = random.Random()  # noqa: S311 - ids are no secrets
_random, _bits = _source.random, _source.getrandbits
_TO_TOKEN = str.maketrans({" ": "-", "/": "-", ":": None})


class Span:
    """A stage of a traced request; its times are nanoseconds of the monotonic clock."""

    __slots__ = (
        "_token",
        "attributes",
        "ended",
        "error",
        "kind",
        "links",
        "name",
        "parent_id",
        "recording",
        "span_id",
        "started",
    )

    def __init__(self, recording: Recording, name: str, parent_id: int, kind: Kind) -> None:
        self.recording = recording
        self.name = name
        self.parent_id = parent_id
        self.kind: Kind = kind
        self.span_id = _bits(64) or 1
        self.started = self.ended = 0
        self.error = ""
        self.attributes: dict[str, Attribute] = {}
        self.links: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        self._token = _CURRENT.set(self)
        self.started = time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.perf_counter_ns()
        _CURRENT.reset(self._token)
        if kind is not None:
            self.error = kind.__name__  # its text may repeat what a caller wrote
        self.recording.end(self)

    def note(self, **attributes: Attribute) -> None:
        """Add attributes; a text must be one of the program's own, never one of a caller."""
        self.attributes.update(attributes)

    def link(self, other: Span | Untraced) -> None:
        """Name the span that did the work of this one, in whichever trace it is."""
        if isinstance(other, Span) and other is not self:
            self.links.append((other.recording.trace_id, other.span_id))

    @property
    def outgoing(self) -> Sequence[tuple[str, str]] | None:
        """The metadata of a call that is made for this span; None if the peer need not know."""
        recording = self.recording
        return written(recording.trace_id, self.span_id, recording.state) if recording.is_exported else None


class Untraced:
    """Stands for a span where a request is not traced."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __bool__(self) -> bool:
        return False

    def note(self, **attributes: Attribute) -> None:
        """Nothing."""

    def link(self, other: Span | Untraced) -> None:
        """Nothing."""

    @property
    def outgoing(self) -> Sequence[tuple[str, str]] | None:
        """Nothing."""
        return None


UNTRACED = Untraced()
_CURRENT: ContextVar[Span | None] = ContextVar("span", default=None)


class Recording:
    """The spans of one request in this process: handed over for export, kept for its timings, or both."""

    __slots__ = ("_export", "is_exported", "kept", "offset_ns", "state", "trace_id")

    def __init__(
        self, carried: Carried, export: Callable[[Span], None] | None, *, keeps_spans: bool, offset_ns: int
    ) -> None:
        self.trace_id = carried.trace_id or _bits(128) or 1
        self.state = carried.state
        self.is_exported = export is not None
        self.kept: list[Span] | None = [] if keeps_spans else None
        self.offset_ns = offset_ns
        self._export = export

    def end(self, span: Span) -> None:
        """Take in that a span has ended."""
        if self.kept is not None:
            self.kept.append(span)
        if self._export is not None:
            self._export(span)


@dataclass(frozen=True, slots=True)
class Tracer:
    """Decides which requests are traced; ``export`` takes each span that ends, None if tracing is off.

    A request that belongs to a trace is traced if that is, where ``follows_callers``; of all others the share ``ratio``
    is. A process that others of ours call has the ratio 0 and follows.
    """

    export: Callable[[Span], None] | None = None
    ratio: float = 0.0
    follows_callers: bool = True

    def request(self, name: str, carried: Carried = NOTHING, *, kind: Kind = "server") -> Span | Untraced:
        """The span of a whole request, or of a piece of background work."""
        export = self.export
        if export is not None:
            is_sampled = carried.is_sampled if carried.trace_id and self.follows_callers else self._is_drawn()
            if not is_sampled:
                export = None
        if export is None and not carried.wants_timings:
            return UNTRACED
        offset_ns = wall_clock.now_ns() - time.perf_counter_ns()
        recording = Recording(carried, export, keeps_spans=carried.wants_timings, offset_ns=offset_ns)
        return Span(recording, name, carried.parent_id, kind)

    def _is_drawn(self) -> bool:
        return self.ratio > 0 and (self.ratio >= 1 or _random() < self.ratio)


NO_TRACER = Tracer()


def stage(name: str, kind: Kind = "internal") -> Span | Untraced:
    """A stage of the request that this thread or task answers, for a ``with``."""
    parent = _CURRENT.get()
    return UNTRACED if parent is None else Span(parent.recording, name, parent.span_id, kind)


def staged(name: str) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Make each call of a function a stage."""

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @wraps(function)
        def as_stage(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            with stage(name):
                return function(*args, **kwargs)

        return as_stage

    return decorate


def current() -> Span | Untraced:
    """The innermost open span."""
    return _CURRENT.get() or UNTRACED


def context_with(span: Span | Untraced) -> Context:
    """A copy of this context in which ``span`` is the innermost open one."""
    context = copy_context()
    context.run(_CURRENT.set, span if isinstance(span, Span) else None)
    return context


def exemplar() -> dict[str, str] | None:
    """The labels by which a metric points at the trace of this request; None if nobody keeps it."""
    span = _CURRENT.get()
    if span is None or not span.recording.is_exported:
        return None
    return {"trace_id": f"{span.recording.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


def timings(root: Span) -> str:
    """How long each stage under ``root`` took so far, in the words of the header Server-Timing, in milliseconds."""
    parts = [
        f"{span.name.translate(_TO_TOKEN)};dur={(span.ended - span.started) / 1e6:.3f}"
        for span in root.recording.kept or ()
        if span is not root
    ]
    return ", ".join([*parts, f"total;dur={(time.perf_counter_ns() - root.started) / 1e6:.3f}"])
