"""What each stage from fetched, recorded or foreign events to steps of training takes: time and memory.

    python -m benchmarks.scale.pipeline --events 1000000 10000000 100000000 --directory data/bench-pipeline

A stage is the real command in a process of its own. One that holds more than --most-gib is killed, and the run fails.
The vectors of the texts are made up in these tables: `moodfeed embed` is measured by itself (--texts), in one process
and in two. A size takes 200 bytes of disk an event while it runs, 20 GB for 100 million, and 80 with --sources files;
what no later stage reads is deleted.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.scale.clean_and_collect import clean_and_collect, row_of
from benchmarks.scale.made_up_events import Size, write_events
from benchmarks.scale.resident_memory import run_watched
from pipeline.tables import POSTS_FILE
from pipeline.workspace import Workspace

_GIB = 2**30
Row = dict[str, Any]


def main() -> None:
    """Measure each size, print its rows, and write all rows to rows.json of the directory."""
    options = _options()
    most_bytes = round(options.most_gib * _GIB)
    options.directory.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    print("| events | stage | seconds | processors, s | largest resident memory, GiB |")
    print("|---|---|---|---|---|", flush=True)
    for events in options.events:
        for row in _of_size(options, Size.of(events), most_bytes=most_bytes):
            rows.append(row)
            print(
                f"| {events:,} | {row['stage']} | {row['seconds']:.0f} | {row['processor_s']:.0f} | {row['gib']:.2f} |",
                flush=True,
            )
        if not options.keep:
            shutil.rmtree(options.directory / str(events), ignore_errors=True)
    for row in embedding(options.directory / "texts", options.texts, options.processes, most_bytes=most_bytes):
        rows.append(row)
        print(
            f"| {options.texts:,} texts | {row['stage']} | {row['seconds']:.0f} | {row['processor_s']:.0f} "
            f"| {row['gib']:.2f} |",
            flush=True,
        )
    (options.directory / "rows.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        if "examples_per_s" in row:
            print(
                f"{row['events']:,} events: {row['pairs']:,} examples, the first step ends after "
                f"{row['first_step_s']:.0f} s; then {row['steps']} steps of {row['batch']:,} examples at "
                f"{row['step_ms']:.0f} ms, {row['examples_per_s']:,.0f} examples a second"
            )


def _of_size(options: argparse.Namespace, size: Size, *, most_bytes: int) -> Iterator[Row]:
    directory = options.directory / str(size.events)
    if "services" in options.sources:
        yield from clean_and_collect(directory / "services", size, most_bytes=most_bytes, keep=options.keep)
    if "files" in options.sources:
        yield from stages(directory, size, steps=options.steps, most_bytes=most_bytes, keep=options.keep)


def stages(
    directory: Path, size: Size, *, steps: int, most_bytes: int | None = None, keep: bool = False
) -> Iterator[Row]:
    """Run the stages on a made-up set, which is made unless it is there; CommandError for the first that fails."""
    source, workspace, events = directory / "source", Workspace(directory / "data"), size.events
    if not (source / "interactions.parquet").exists():
        numbers = ["--events", str(events), "--people", str(size.people), "--posts", str(size.posts)]
        run_watched([sys.executable, "-m", "benchmarks.scale.made_up_events", str(source), *numbers])
    for name, command in (
        ("import", ["-m", "cli", "import", str(source)]),
        ("validate", ["-m", "cli", "validate", "--bundles", str(directory / "bundles")]),
        ("score", ["-m", "cli", "score"]),
    ):
        cost = run_watched([sys.executable, *command, "--data", str(workspace.directory)], most_bytes=most_bytes)
        yield row_of(name, events, cost)
    if not keep:
        shutil.rmtree(source)
        workspace.scores.unlink()  # training computes the strengths itself
    run_watched([sys.executable, "-m", "benchmarks.scale.made_up_vectors", str(workspace.directory)])
    steps_of = ["-m", "benchmarks.scale.training_steps", str(workspace.directory), "--steps", str(steps)]
    cost = run_watched([sys.executable, *steps_of], most_bytes=most_bytes)
    yield row_of(f"read, make examples, train {steps} steps", events, cost) | json.loads(cost.output.splitlines()[-1])


def embedding(directory: Path, texts: int, processes: list[int], *, most_bytes: int | None) -> Iterator[Row]:
    """Embed the same texts by so many processes each, from nothing; ValueError if the vectors differ in a bit."""
    if not texts:
        return
    shutil.rmtree(directory, ignore_errors=True)
    write_events(directory / "source", Size(texts, 100, texts))
    workspace = Workspace(directory / "data")
    run_watched([sys.executable, "-m", "cli", "import", str(directory / "source"), "--data", str(workspace.directory)])
    assert pq.read_metadata(workspace.clean / POSTS_FILE).num_rows == texts
    first = b""
    for count in (0, *processes):  # the first only converts the encoder and reads the files
        workspace.text_cache.unlink(missing_ok=True)
        command = [sys.executable, "-m", "cli", "embed", "--data", str(workspace.directory)]
        cost = run_watched([*command, "--processes", str(max(count, 1))], most_bytes=most_bytes)
        if not count:
            continue
        found = workspace.text_embeddings.read_bytes()
        if first and found != first:
            raise ValueError(f"{count} processes give other vectors than {processes[0]}")
        first = found
        yield row_of(f"embed, {count} process{'es' if count > 1 else ''}", 0, cost)
    shutil.rmtree(directory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument(
        "--sources",
        nargs="+",
        choices=["services", "files"],
        default=["services", "files"],
        help="services: rows of the upstream API and a store, up to clean tables; files: from import to training",
    )
    parser.add_argument("--directory", type=Path, default=Path("data/bench-pipeline"))
    parser.add_argument("--steps", type=int, default=300, help="steps of training after the examples are made")
    parser.add_argument("--most-gib", type=float, default=6.0, help="resident memory of a stage")
    parser.add_argument("--texts", type=int, default=2_000, help="texts to embed; 0 measures no embedding")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="of the measured embedding")
    parser.add_argument("--keep", action="store_true", help="keep the files of each size")
    return parser.parse_args()


if __name__ == "__main__":
    main()
