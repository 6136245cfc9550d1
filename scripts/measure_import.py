"""Measure import and score on made-up events: one table of format, rows, seconds and peak memory.

    python scripts/measure_import.py 1000000 11000000 --formats csv,parquet --directory data/import

People's activity and posts' popularity follow power laws, ids are texts such as u00042 unless --integers is given, and
every stage is a process of its own, whose peak memory is its ru_maxrss. People are a tenth of the events and posts a
fiftieth, at most a million and 200,000, unless --people and --posts say otherwise.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet as pq

ROWS_AT_ONCE = 1_000_000
START, SECONDS = 1_700_000_000, 365 * 86_400
VERBS = np.array(["view", "like", "share"])
FORMATS = ("csv", "parquet", "jsonl", "inter")


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of rows of a made-up set."""

    events: int
    people: int
    posts: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds on the clock and of processors, and the peak of its memory in MiB."""

    seconds: float
    processor_seconds: float
    peak: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s | {self.processor_seconds:.0f} s | {self.peak:,.0f} MiB"


def main() -> None:
    """Make each set, import and score it, and print its row."""
    arguments = _arguments()
    print("| format | events | people | posts | import | processors | peak | score | processors | peak |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for events in arguments.events:
        people = arguments.people or max(1, min(1_000_000, events // 10))
        posts = arguments.posts or max(1, min(200_000, events // 50))
        for name in arguments.formats.split(","):
            directory = arguments.directory / f"{name}-{events}"
            source = directory / "source"
            make_set(source, Size(events, people, posts), name, integers=arguments.integers)
            imported = run("import", str(source), "--data", str(directory / "data"))
            scored = run("score", "--data", str(directory / "data"))
            print(f"| {name} | {events:,} | {people:,} | {posts:,} | {imported} | {scored} |", flush=True)


def write_set(directory: Path, size: Size, form: str, *, integers: bool) -> None:
    """Write interactions and posts of a form, unless they are there."""
    directory.mkdir(parents=True, exist_ok=True)
    events = directory / ("set.inter" if form == "inter" else f"interactions.{form}")
    if events.exists():
        return
    random = np.random.default_rng(0)
    partial = events.with_suffix(".partial")
    _write(partial, form, _events(random, size, integers=integers))
    posts = directory / ("set.item" if form == "inter" else f"posts.{form}")
    _write(posts, form, iter([_posts(random, size, integers=integers)]))
    partial.rename(events)


def _events(random: np.random.Generator, size: Size, *, integers: bool) -> Iterator[pa.Table]:
    for start in range(0, size.events, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, size.events - start)
        people = (size.people * random.random(rows) ** 2).astype(np.int64)
        posts = (size.posts * random.random(rows) ** 3).astype(np.int64)
        yield pa.table(
            {
                "user_id": _ids("u", people, integers=integers),
                "item_id": _ids("p-", posts, integers=integers),
                "event": VERBS[np.minimum((random.random(rows) ** 4 * 3).astype(int), 2)],
                "timestamp": START + _seconds(random, start, rows, size),
            }
        )


def _seconds(random: np.random.Generator, start: int, rows: int, size: Size) -> np.ndarray:
    """Ascending, spread evenly over the year."""
    return (SECONDS * (start + rows * np.sort(random.random(rows))) / size.events).astype(np.int64)


def _posts(random: np.random.Generator, size: Size, *, integers: bool) -> pa.Table:
    numbers = np.arange(size.posts)
    return pa.table(
        {
            "item_id": _ids("p-", numbers, integers=integers),
            "title": [f"video number {number} about topic {number % 97}" for number in numbers],
            "category": [f"category {number}" for number in random.integers(0, 20, size.posts)],
        }
    )


def _ids(prefix: str, numbers: np.ndarray, *, integers: bool) -> pa.Array:
    if integers:
        return pa.array(numbers + 1)
    return pa.compute.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _write(path: Path, form: str, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    if form == "parquet":
        with pq.ParquetWriter(path, first.schema) as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table)
    elif form == "jsonl":
        with path.open("w", encoding="utf-8") as lines:
            for table in (first, *tables):
                table.to_pandas().to_json(lines, orient="records", lines=True)
    else:
        delimiter = "\t" if form == "inter" else ","
        kinds = {"timestamp": "float", "title": "token_seq"}
        if form == "inter":
            first = first.rename_columns([f"{name}:{kinds.get(name, 'token')}" for name in first.column_names])
        options = pyarrow.csv.WriteOptions(delimiter=delimiter, quoting_style="none" if form == "inter" else "needed")
        with pyarrow.csv.CSVWriter(path, first.schema, write_options=options) as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table.rename_columns(first.column_names))


def run(*command: str) -> Cost:
    """Run a command of moodfeed in a child; exits if it fails."""
    started = time.monotonic()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "cli", *command],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"moodfeed {' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def make_set(directory: Path, size: Size, form: str, *, integers: bool = False) -> None:
    """Write a set in a process of its own: a child's peak memory begins with that of the process that starts it."""
    make = get_context("spawn").Process(target=write_set, args=(directory, size, form), kwargs={"integers": integers})
    make.start()
    make.join()
    if make.exitcode:
        sys.exit(f"the made-up set could not be written: exit code {make.exitcode}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure import and score.")
    parser.add_argument("events", type=int, nargs="+", help="numbers of events")
    parser.add_argument("--formats", default="csv", help=f"of {', '.join(FORMATS)}, separated by commas (default: csv)")
    parser.add_argument("--people", type=int, help="number of people")
    parser.add_argument("--posts", type=int, help="number of posts")
    parser.add_argument("--integers", action="store_true", help="ids are integers")
    parser.add_argument("--directory", type=Path, default=Path("data/import"), help="default: data/import")
    return parser.parse_args()


if __name__ == "__main__":
    main()
