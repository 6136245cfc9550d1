"""Simulates queues of requests, from a seed, for the tables of docs/scale.md.

python -m benchmarks.queues [--requests N] [--seed N]

Requests arrive as a Poisson process at servers of one core each, which answer one at a time in the order of arrival.
Times are in units of the mean service time: a p99 of 4 means four times what a request takes alone.
"""

import argparse
import heapq
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
_WARM = 0.1  # share of the requests, left out: the first ones find emptier queues than later ones

SPREADS: dict[str, Callable[[np.random.Generator, int], Times]] = {
    "all alike": lambda _, count: np.ones(count),
    "as feeds": lambda random, count: random.gamma(4.0, 0.25, count),  # a coefficient of variation of .5
    "exponentially": lambda random, count: random.exponential(1.0, count),
    "one in ten a new mood": lambda random, count: np.where(random.random(count) < 0.1, 4.6, 0.6),
}
"""Service times of mean 1."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The time from arrival to answer, in mean service times; ``refused`` is the share of refused requests."""

    p50: float
    p99: float
    refused: float = 0.0


def simulate(
    *,
    servers: int,
    load: float,
    spread: str = "as feeds",
    choose: str = "in turn",
    most_waiting: int | None = None,
    slow: float = 1.0,
    requests: int = 200_000,
    seed: int = 0,
) -> Latency:
    """Send ``requests`` to ``servers`` at ``load`` (1 is all that they can do together).

    ``choose`` is ``in turn`` (round robin), ``at random``, or ``one queue`` (whoever is free first takes the next).
    A request that finds ``most_waiting`` others waiting at its server is refused. The first server takes ``slow`` times
    as long as the others.
    """
    random = np.random.default_rng(seed)
    arrivals = np.cumsum(random.exponential(1 / (load * servers), requests))
    services = SPREADS[spread](random, requests)
    picks = random.integers(0, servers, requests) if choose == "at random" else np.arange(requests) % servers
    ends: list[list[float]] = [[] for _ in range(servers)]  # of what is waiting or being answered, ascending
    free = [(0.0, server) for server in range(servers)]  # a heap, for one queue
    latencies, refused = np.full(requests, np.nan), 0
    for number, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        if choose == "one queue":
            free_at, server = heapq.heappop(free)
            end = max(arrival, free_at) + service * (slow if server == 0 else 1)
            heapq.heappush(free, (end, server))
        else:
            server = int(picks[number])
            queue = ends[server]
            while queue and queue[0] <= arrival:
                queue.pop(0)
            if most_waiting is not None and len(queue) > most_waiting:
                refused += 1
                continue
            end = (queue[-1] if queue else arrival) + service * (slow if server == 0 else 1)
            queue.append(end)
        latencies[number] = end - arrival
    kept = latencies[int(_WARM * requests) :]
    p50, p99 = np.nanquantile(kept, (0.5, 0.99)).tolist()
    return Latency(p50, p99, refused / requests)


def tables(*, requests: int, seed: int) -> str:
    """All tables of docs/scale.md, as Markdown."""

    def run(**options: object) -> Latency:
        return simulate(requests=requests, seed=seed, **options)  # type: ignore[arg-type]

    lines = ["| load of a server | " + " | ".join(f"{name}, p50 / p99" for name in SPREADS) + " |"]
    lines.append("|---" * (1 + len(SPREADS)) + "|")
    for load in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        found = [run(servers=1, load=load, spread=name) for name in SPREADS]
        lines.append(f"| {load:g} | " + " | ".join(f"{one.p50:.1f} / {one.p99:.1f}" for one in found) + " |")
    ways = ("at random", "in turn", "one queue")
    lines += ["", "| replicas, load .7 each | " + " | ".join(f"{way}, p99" for way in ways) + " |", "|---" * 4 + "|"]
    for servers in (1, 2, 4, 16, 64):
        p99s = [run(servers=servers, load=0.7, choose=way).p99 for way in ways]
        lines.append(f"| {servers} | " + " | ".join(f"{p99:.1f}" for p99 in p99s) + " |")
    lines += ["", "| replicas at .6 before one of them dies | load after | p99 before | p99 after |", "|---" * 4 + "|"]
    for servers in (2, 3, 4, 8, 16):
        after = 0.6 * servers / (servers - 1)
        ended = f"{run(servers=servers - 1, load=after).p99:.1f}" if after < 1 else "grows without end"
        lines.append(f"| {servers} | {after:.2f} | {run(servers=servers, load=0.6).p99:.1f} | {ended} |")
    lines += ["", "| offered load | 4 may wait: answered, p99 | 64 may wait: answered, p99 |", "|---" * 3 + "|"]
    for load in (0.7, 0.95, 1.5, 4.0):
        cells = []
        for most in (4, 64):
            found_one = run(servers=1, load=load, most_waiting=most)
            cells.append(f"{load * (1 - found_one.refused):.2f} of what it can, {found_one.p99:.1f}")
        lines.append(f"| {load:g} | " + " | ".join(cells) + " |")
    lines += ["", "| one of 4 replicas takes so many times as long, load .5 | in turn, p99 | one queue, p99 |"]
    lines.append("|---" * 3 + "|")
    for slow in (1.0, 1.5, 1.9, 3.0):
        one = run(servers=4, load=0.5, choose="one queue", slow=slow).p99
        in_turn = f"{run(servers=4, load=0.5, slow=slow).p99:.1f}" if 0.5 * slow < 1 else "grows without end"
        lines.append(f"| {slow:g} | {in_turn} | {one:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="The tables of waiting in docs/scale.md, in some seconds.")
    parser.add_argument("--requests", type=int, default=200_000, help="requests of each figure (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness (default: %(default)s)")
    options = parser.parse_args()
    sys.stdout.write(tables(requests=options.requests, seed=options.seed))


if __name__ == "__main__":
    main()
