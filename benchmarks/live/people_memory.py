"""Memory of a tower's overlay: what it keeps of people who did something since the bundle was made.

python -m benchmarks.live.people_memory PEOPLE EVENTS [--store URL]

A process of its own reads a log of so many people and events a person, generated or from a store, and prints its
resident memory, in bytes, as JSON.
"""

import argparse
import gc
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from benchmarks.live.bench import Bench
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import one_thread
from store.interactions import Interaction, NewInteraction, Verb
from store.log_entries import Entries, InteractionRecorded
from store.port import Store
from store.sql_store import open_store
from user_tower_service.live_log import LiveLog

_EVENTS = 8  # a person: the platform has 9,781 of 1,207 people
_MOST_BYTES = 4 << 30
_BEGUN_MS = 1_790_000_000_000
_POSTS = 100_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of resident memory more than before: when the log has been read, and when everybody's feed was asked."""

    people: int
    read: int
    asked: int


class GeneratedLog:
    """The part of the store's port that the overlay reads: each person acts in turn, event after event."""

    def __init__(self, people: int, events: int) -> None:
        self._people, self._rows = people, people * events
        self._random = random.Random(0)  # noqa: S311 - made-up people

    def position(self) -> int:
        return self._rows

    def entries_after(self, position: int, *, limit: int = 10_000) -> Entries:
        """The next entries; every number is an object of its own, as a driver makes them."""
        last = min(position + limit, self._rows)
        return Entries(tuple(self._entries(position, last)), last)

    def close(self) -> None:
        """Nothing is open."""

    def _entries(self, position: int, last: int) -> Iterator[InteractionRecorded]:
        for number in range(position + 1, last + 1):
            username = f"person_{number % self._people}"
            interaction = Interaction(
                position=number,
                since=int(str(number)),
                username=username,
                verb=Verb.VIEW,
                occurred_at_ms=_BEGUN_MS + number,
                event_id=str(number),
                post_id=self._random.randrange(_POSTS),
                external_id=None,
                watched_share=None,
                rating_percent=None,
                feed_id=None,
                taken_back_at=None,
            )
            yield InteractionRecorded(position=number, username=username, interaction=interaction, takes_back=None)


def measure(bench: Bench) -> Found:
    """A part of the people, read from SQLite and generated, then a million if they fit."""
    part, whole = bench.pick(20_000, 500), bench.pick(1_000_000, 2_000)
    bench.say(f"{part:,} people, recorded in SQLite")
    with running_store(SQLITE, bench.scratch / SQLITE) as (url, _):
        _record(url, part)
        of_store = _in_a_process(part, url)
    bench.say(f"{part:,} people, generated")
    generated = _in_a_process(part)
    expected = generated.asked / part * whole
    lines = [
        Line(f"bytes a person, {part:,} people read from SQLite", of_store.read / part, "B"),
        Line(f"bytes a person, {part:,} people generated", generated.read / part, "B"),
        Line(f"{whole:,} people, extrapolated, everybody's feed asked", expected / 2**30, "GiB"),
    ]
    if expected <= _MOST_BYTES:
        bench.say(f"{whole:,} people")
        found = _in_a_process(whole)
        lines += [
            Line(
                f"{whole:,} people, measured", found.read / 2**30, "GiB", note=f"{found.read / whole:,.0f} B a person"
            ),
            Line(
                f"{whole:,} people, measured, everybody's feed asked",
                found.asked / 2**30,
                "GiB",
                note=f"{found.asked / whole:,.0f} B a person",
            ),
        ]
    return Found(
        how=f"A process reads a log of {_EVENTS} interactions a person with the tower's own code "
        "([live_log.py](../user_tower_service/live_log.py)), then looks at each person as a feed does. Resident memory "
        "beyond that of the program. Embeddings have a limit of their own (`MOODFEED_USER_TOWER_LIVE_CACHE_SIZE`).",
        lines=tuple(lines),
    )


def _record(url: str, people: int) -> None:
    with open_store(url) as store:
        numbers = range(people * _EVENTS)
        for first in range(0, len(numbers), 5000):
            store.record(
                [
                    NewInteraction(
                        event_id=str(number),
                        username=f"person_{number % people}",
                        occurred_at_ms=_BEGUN_MS + number,
                        verb=Verb.VIEW,
                        post_id=number * 104_729 % _POSTS,
                    )
                    for number in numbers[first : first + 5000]
                ]
            )


def _in_a_process(people: int, url: str = "") -> Memory:
    command = [sys.executable, "-m", "benchmarks.live.people_memory", str(people), str(_EVENTS), "--store", url]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=one_thread(), timeout=900)
    return Memory(**json.loads(done.stdout.splitlines()[-1]))  # after what the log says while it is long


def _resident() -> int:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def main() -> None:
    """Read the log and print the memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    parser.add_argument("events", type=int)
    parser.add_argument("--store", default="")
    options = parser.parse_args()
    log = LiveLog(
        lambda: (
            open_store(options.store) if options.store else cast(Store, GeneratedLog(options.people, options.events))
        )
    )
    before = _resident()
    with log.followed():
        if not log.reach(options.people * options.events, seconds=600):
            raise SystemExit(f"the log was read up to {log.position} alone")
        read = _resident()
        for number in range(options.people):
            log.view(f"person_{number}")
        memory = Memory(options.people, read - before, _resident() - before)
    sys.stdout.write(json.dumps(asdict(memory)))


if __name__ == "__main__":
    main()
