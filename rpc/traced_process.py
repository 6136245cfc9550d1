"""Tracing of a process, from its settings: off and not loaded unless an operator names a receiver."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from rpc.server_settings import ServerSettings
from rpc.tracing import NO_TRACER, Tracer


@contextmanager
def traced(service: str, settings: ServerSettings, *, only_follows: bool = False) -> Iterator[Tracer]:
    """The tracer of this process, which is called ``service``; at the end, spans that wait are sent.

    With ``only_follows``, requests are traced only where the caller traces them.
    """
    if settings.traces_endpoint is None:
        yield NO_TRACER
        return
    from rpc.trace_export import SpanExport, otlp_exporter  # noqa: PLC0415 - 100 ms and 10 MB, if traces are on

    gc.freeze()  # the library stays: a full collection, for which every request waits, need not look at it
    spans = SpanExport(service, otlp_exporter(settings.traces_endpoint.get_secret_value()))
    try:
        yield Tracer(
            spans.take,
            ratio=0.0 if only_follows else settings.traces_ratio,
            follows_callers=only_follows or settings.traces_follow_callers,
        )
    finally:
        spans.stop()
