"""Traces through a collector, rotel, which decodes and encodes them itself and passes them on."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.held_port import held_port
from tests.trace_receiver import TraceReceiver, trace_receiver
from tests.traced_product import parent_of, traced_product

ROOT = Path(__file__).parents[3]


def agent() -> Path:
    """The collector's program; the target `test-observability` installs it."""
    (found,) = (ROOT / ".venv-observability").glob("lib/python*/site-packages/rotel/rotel-agent")
    return found


def test_a_trace_passes_a_collector_unchanged(tmp_path: Path) -> None:
    with (
        trace_receiver() as behind,
        held_port() as http,
        held_port() as grpc,
        (tmp_path / "rotel.log").open("wb") as log,
    ):
        collector = subprocess.Popen(
            [
                agent(), "start",
                "--otlp-http-endpoint", f"127.0.0.1:{http}",
                "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}",
                "--exporter", "otlp",
                "--otlp-exporter-protocol", "http",
                "--otlp-exporter-endpoint", behind.url_behind,
                "--batch-timeout", "200ms",
            ],
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            before = TraceReceiver(f"http://127.0.0.1:{http}")
            with traced_product(tmp_path, embedded=False, ratio="1", receiver=before) as product:
                product.ask([("traceparent", parent_of(1)), ("tracestate", "a=1")], username="user1", mood="calm")
                spans = behind.wait_for_whole_trace(f"{1:032x}")
        finally:
            collector.terminate()
            collector.wait(20)
    assert {item.process for item in spans} == {"gateway", "user_tower_service", "post_index_service"}
    assert {"encode context", "encode moods", "search posts", "rank posts"} <= {item.name for item in spans}
    assert {item.span.trace_state for item in spans} == {"a=1"}
    assert pytest.approx(0, abs=60) == spans[0].span.start_time_unix_nano / 1e9 - time.time()
