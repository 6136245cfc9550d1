"""What was measured, and the file that docs/scale.md and its plots are written from."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.whole_files import write_whole_text

GATEWAY, TOWER, INDEX, DATABASE = "gateway", "tower", "index", "database"
LOOPBACK = "loopback"
"""Beside the processes: what all of them sent each other, in bytes in place of seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of one answer, event or post: in each round the seconds of each kind of process, LOOPBACK too.

    ``store`` is empty where none takes part. ``per_second`` is how many there were; ``failed`` were not right.
    """

    what: str
    store: str
    rounds: tuple[Mapping[str, float], ...]
    per_second: float
    failed: int

    def of(self, kind: str) -> float:
        """The median over the rounds, in seconds."""
        return statistics.median(found.get(kind, 0.0) for found in self.rounds)

    def spread(self, kind: str) -> tuple[float, float]:
        """The least and the largest of the rounds."""
        found = [of_round.get(kind, 0.0) for of_round in self.rounds]
        return min(found), max(found)


@dataclass(frozen=True, slots=True)
class Following:
    """The share of a core that each kind of process takes while others record ``rate`` events/s, and LOOPBACK."""

    store: str
    rate: float
    cores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LogRate:
    """What one log takes at full speed.

    ``processes`` write it with ``callers`` threads each, ``batch`` events a call. ``round_trip`` is what the way to the
    database and back takes, in seconds; ``p50`` and ``p99`` of a call are in seconds too. ``processor`` is the
    writers' processor time for an event, ``bytes`` what the database grew by for each.
    """

    store: str
    batch: int
    callers: int
    processes: int
    round_trip: float
    rate: float
    p50: float
    p99: float
    processor: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. ``memory`` is bytes by what they are for; ``connections`` those to the database, by process.

    ``reading`` is what the database sends one follower of an event: bytes, as LOOPBACK.
    """

    machine: str
    commit: str
    measured_at: str
    load_average: float
    seconds: float
    is_quick: bool
    costs: tuple[Cost, ...]
    following: tuple[Following, ...]
    logs: tuple[LogRate, ...]
    memory: Mapping[str, float]
    reading: Mapping[str, float]
    connections: Mapping[str, float]

    def cost(self, what: str, store: str = "") -> Cost:
        """The cost of a name; KeyError if it was not measured."""
        for cost in self.costs:
            if cost.what == what and cost.store == store:
                return cost
        raise KeyError(f"{what}, {store}")

    def write(self, directory: Path) -> Path:
        """Write them to a file, in one step."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "cores.json"
        write_whole_text(path, _RESULTS.dump_json(self, indent=1).decode() + "\n")
        return path


_RESULTS = TypeAdapter(Results)


def read_results(directory: Path) -> Results:
    """The results of a directory; OSError without a file, ValueError if it holds no results."""
    return _RESULTS.validate_json((directory / "cores.json").read_bytes())
