"""Memory of what people do: at a tower by people and by events, at an index by events.

python -m benchmarks.scale.cores.memory EVENTS

A process of its own has an index follow a log of so many generated events, and prints its memory for them.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
from typing import cast

from benchmarks.live.bench import Bench
from benchmarks.live.people_memory import GeneratedLog
from benchmarks.processes import one_thread
from benchmarks.scale.cores.processor_time import resident_bytes
from benchmarks.scale.posts import made_posts
from compute.log_tail import LogTail
from post_index_service.index import PostIndex
from post_index_service.query import Query
from store.port import Store


class _IndexLog(GeneratedLog):
    """The same with what an index reads beside events: no posts and no rules."""

    def rules(self) -> tuple[()]:
        return ()

    def post_revisions(self, *, after: int = 0) -> tuple[()]:
        return ()

    def embeddings(self, bundle_id: str, *, after: int = 0) -> tuple[()]:
        return ()


PERSON, EVENT, NEW_PERSON = "tower: a person", "tower: an event", "tower: a person with 8 events, feed asked"
_FEW, _MANY = 8, 24  # events a person
_POSTS, _DIMENSION = 100_000, 16  # as GeneratedLog names posts


def index_memory(events: int) -> str:
    """What the memory of an index that has read so many events is called."""
    return f"index: all of {events:,} events"


def measure_memory(bench: Bench) -> dict[str, float]:
    """Bytes by what they are for."""
    people = bench.pick(20_000, 300)
    bench.say(f"memory of {people:,} people")
    few, many = (_tower(people, events) for events in (_FEW, _MANY))
    event = (many["read"] - few["read"]) / (people * (_MANY - _FEW))
    found = {
        PERSON: few["read"] / people - _FEW * event,
        EVENT: event,
        NEW_PERSON: few["asked"] / people,
    }
    for events in (bench.pick(100_000, 500), bench.pick(400_000, 1_000)):
        bench.say(f"memory of an index after {events:,} events")
        command = [sys.executable, "-m", "benchmarks.scale.cores.memory", str(events)]
        found[index_memory(events)] = float(_printed(command)["bytes"])
    return found


def _tower(people: int, events: int) -> dict[str, float]:
    return _printed([sys.executable, "-m", "benchmarks.live.people_memory", str(people), str(events)])


def _printed(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=one_thread(), timeout=600)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Read the log and print the memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=int)
    options = parser.parse_args()
    people = max(options.events // _FEW, 1)
    log = LogTail(lambda: cast(Store, _IndexLog(people, _FEW)))
    index = PostIndex(made_posts(_POSTS, _DIMENSION), bundle_id="b" * 64, user_weight=0.5, log=log)
    gc.collect()
    before = resident_bytes(os.getpid())
    with log.followed():
        index.search(Query(trending=True, at_least_position=people * _FEW, limit=1, seconds=600.0))
        gc.collect()
        sys.stdout.write(json.dumps({"bytes": resident_bytes(os.getpid()) - before}))


if __name__ == "__main__":
    main()
