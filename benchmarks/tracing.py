"""Measure what traces cost: the same feeds from products that trace nothing, some requests and all of them.

    python -m benchmarks.tracing [--rounds 20] [--seconds 1.5] [--embedded]

All products run at once, beside a receiver (oteltap); one of them at a time gets load, each in every round, in an order
that changes from round to round. Each row is compared with the product without traces in the same round, and the table
shows the medians over the rounds. The processor time does not depend on what else the machine does.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Product, free_addresses, running_product
from benchmarks.serving import CATEGORIES, CATEGORY_POSTS, IN_FLIGHT, POSTS, Row, _processor_seconds, run_load
from benchmarks.synthetic import Size, write_synthetic_bundle

USERS = 2_000
OFF = "off"


@dataclass(frozen=True, slots=True)
class Arm:
    """A product and what it has been measured to do: answers a second, and processor seconds an answer, by round."""

    name: str
    product: Product
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def receive(port: int) -> None:
    """Receive traces until the process is ended, and throw them away."""
    from oteltap.oteltap_core import OtelTapCore, OtelTapFlags

    _, handle = OtelTapCore.oteltap_start_receiving_http_protobuf(port, OtelTapFlags.NONE, None, None, None)
    spans = 0
    while True:
        _, data = OtelTapCore.oteltap_poll_trace(handle, 1000)
        spans += data is not None
        if data is None and spans:
            print(f"received {spans} spans", flush=True)
            spans = 0


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver in a process of its own; gives its URL."""
    port = free_addresses(1)[0].rpartition(":")[2]
    command = [sys.executable, "-m", "benchmarks.tracing", "--receive", port]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        received, _ = process.communicate(timeout=10)
        print(received)


def variables_of(url: str) -> Mapping[str, Mapping[str, str]]:
    """The settings of each row of the table."""

    def traced(ratio: str) -> Mapping[str, str]:
        return {"MOODFEED_TRACES_ENDPOINT": url, "MOODFEED_TRACES_RATIO": ratio}

    return {OFF: {}, "off again": {}, "1 %": traced("0.01"), "100 %": traced("1")}


def measure(scratch: Path, *, rounds: int, seconds: float, embedded: bool) -> Sequence[Arm]:
    """Run everything, and stop it."""
    write_synthetic_bundle(scratch / "bundles", Size(POSTS, USERS, CATEGORIES, CATEGORY_POSTS))
    asked = [(f"user{number}", 1 + number % CATEGORIES, "", ()) for number in range(USERS)]
    with ExitStack() as stack:
        arms = []
        for name, variables in variables_of(stack.enter_context(receiver())).items():
            logs = scratch / name.replace(" ", "_")
            product = stack.enter_context(
                running_product(scratch / "bundles", logs=logs, embedded=embedded, variables=variables)
            )
            arms.append(Arm(name, product))
        for turn in range(rounds + 1):  # the first one warms up
            start = turn % len(arms)
            for arm in [*arms[start:], *arms[:start]]:
                row = Row(arm.name, arm.product.gateway_grpc, "grpc", IN_FLIGHT, lambda _: asked)
                spent = sum(_processor_seconds(arm.product).values())
                result = run_load(row, turn, seconds)
                time.sleep(5.2)  # the last spans leave: trace_export.py waits for 5 s
                spent = sum(_processor_seconds(arm.product).values()) - spent
                if result["wrong"] or result["failed"]:
                    raise SystemExit(f"{arm.name}: {result['examples']}")
                if turn:
                    arm.rates.append(result["answered"] / result["seconds"])
                    arm.costs.append(spent / result["answered"])
    return arms


def table(arms: Sequence[Arm]) -> str:
    """The table in Markdown."""
    base = next(arm for arm in arms if arm.name == OFF)
    lines = ["| traced | requests/s | beside off | processor time | beside off |", "|---|---:|---:|---:|---:|"]
    for arm in arms:
        rate = statistics.median(mine / other for mine, other in zip(arm.rates, base.rates, strict=True)) - 1
        cost = statistics.median(mine / other for mine, other in zip(arm.costs, base.costs, strict=True)) - 1
        lines.append(
            f"| {arm.name} | {statistics.median(arm.rates):.0f} | {rate:+.1%} "
            f"| {statistics.median(arm.costs) * 1e6:.0f} µs | {cost:+.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--embedded", action="store_true", help="the one-process mode")
    parser.add_argument("--receive", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        receive(options.receive)
        return
    with tempfile.TemporaryDirectory() as scratch:
        print(table(measure(Path(scratch), rounds=options.rounds, seconds=options.seconds, embedded=options.embedded)))


if __name__ == "__main__":
    main()
