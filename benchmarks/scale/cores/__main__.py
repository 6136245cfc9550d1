"""`python -m benchmarks.scale.cores`: measure processor time, one log and memory; then write docs/scale.md from it."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.live.__main__ import describe_origin, say
from benchmarks.live.bench import Bench
from benchmarks.scale.cores.answers import measure_answers, users_of
from benchmarks.scale.cores.followers import measure_following
from benchmarks.scale.cores.log_rates import measure_logs
from benchmarks.scale.cores.memory import measure_memory
from benchmarks.scale.cores.results import Results
from benchmarks.scale.cores.world import bundle_of
from benchmarks.scale.cores.writes import measure_writes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    quick: Annotated[bool, typer.Option("--quick", help="Sizes of a test: the numbers say nothing.")] = False,
    rounds: Annotated[int, typer.Option(help="Rounds in turns, of which medians are taken.")] = 3,
    seconds: Annotated[float, typer.Option(help="Length of a measurement.")] = 4.0,
    output: Annotated[Path, typer.Option(help="Directory of the results.")] = Path("data/bench-scale"),
    bundles: Annotated[Path | None, typer.Option(help="Directory that keeps the bundle for the next run.")] = None,
) -> None:
    """Measure processor time of feeds, writes and following, the rate of one log, and memory; eleven minutes."""
    if quick:
        rounds, seconds, output = 1, 0.3, output.with_name(f"{output.name}-quick")
    load, started, measured_at = os.getloadavg()[0], time.monotonic(), datetime.now(UTC)
    origin = describe_origin()
    with (
        TemporaryDirectory(prefix="moodfeed-cores-") as scratch,
        TemporaryDirectory(prefix="moodfeed-bundles-") as made,
    ):
        Path(scratch).chmod(0o755)  # PostgreSQL runs as another user than root
        bench = Bench(Path(scratch), bundles or Path(made), is_quick=quick, say=say, microlens=Path(made))
        say("a bundle is made")
        bundle = bundle_of(bench, users=users_of(bench, rounds))
        costs = measure_answers(bench, bundle, rounds=rounds, seconds=seconds)
        writes, connections = measure_writes(bench, bundle, rounds=rounds, seconds=seconds)
        following, reading = measure_following(bench, bundle, rounds=rounds, seconds=seconds)
        logs = measure_logs(bench, seconds=seconds)
        memory = measure_memory(bench)
    results = Results(
        machine=origin.machine,
        commit=origin.commit,
        measured_at=f"{measured_at:%Y-%m-%d %H:%M}",
        load_average=round(load, 1),
        seconds=round(time.monotonic() - started, 1),
        is_quick=quick,
        costs=(*costs, *writes),
        following=tuple(following),
        logs=tuple(logs),
        memory=memory,
        reading=reading,
        connections=connections,
    )
    say(f"written to {results.write(output)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    app(prog_name="python -m benchmarks.scale.cores")
