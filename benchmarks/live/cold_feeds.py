"""The feeds of people who were never asked for before, with a store in place, beside the echo of three processes."""

import statistics
from contextlib import ExitStack
from itertools import islice

from benchmarks.live.bench import Bench
from benchmarks.live.clients import Did, calling
from benchmarks.live.fleet import running_fleet
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import running_echo_of_three
from benchmarks.serving import CATEGORIES, IN_FLIGHT, POSTS, Asked, Row, run_load

_BEFORE = 0.74  # the lower of the two ratios that were measured before there was a store; the other is .89
_RECORDED = 10_000


def measure(bench: Bench) -> Found:
    """The rows of `make bench` that concern it, in turns."""
    rounds, seconds = bench.pick(3, 1), (0.3 if bench.is_quick else 3.0)
    many, one = bench.pick(4_000, 300), bench.pick(900, 100)  # users that a row of a round may ask for
    users = (rounds + 1) * (many + one)
    bundles = bench.synthetic_bundle(users=users)
    strangers = iter(range(users))

    def asked(count: int) -> list[Asked]:
        return [(f"user{number}", 1 + number % CATEGORIES, "", ()) for number in islice(strangers, count)]

    canned: list[Asked] = [("anybody", 1, "", ())]
    rates: dict[str, list[float]] = {}
    waits: dict[str, list[float]] = {}
    wrong = 0
    with ExitStack() as stack:
        url, _ = stack.enter_context(running_store(SQLITE, bench.scratch / SQLITE))
        fleet = stack.enter_context(running_fleet(bundles, bench.scratch / "logs", store_url=url, gateways=1, towers=1))
        echo = stack.enter_context(running_echo_of_three(logs=bench.scratch / "logs"))
        target = fleet.gateways[0]
        with calling(target) as caller:
            for first in range(0, _RECORDED, 1000):
                caller.record(
                    Did(f"before {number}", f"other {number % 999}", 1 + number % POSTS)
                    for number in range(first, first + 1000)
                )
        for turn in range(rounds + 1):  # the first one warms up
            for name, row in {
                "echo": Row("echo", echo, "echo", IN_FLIGHT, lambda _: canned),
                "feed": Row("cold feeds", target, "grpc", IN_FLIGHT, lambda _: asked(many), once=True),
                "echo, 1 in flight": Row("echo", echo, "echo", 1, lambda _: canned),
                "feed, 1 in flight": Row("cold feeds", target, "grpc", 1, lambda _: asked(one), once=True),
            }.items():
                bench.say(f"{'warming' if not turn else f'round {turn} of {rounds}'}, {name}")
                result = run_load(row, turn, seconds)
                wrong += result["wrong"] + result["failed"]
                if turn:
                    rates.setdefault(name, []).append(result["answered"] / result["seconds"])
                    waits.setdefault(name, []).append(statistics.median(result["latencies"]))
    rate = {name: statistics.median(found) for name, found in rates.items()}
    wait = {name: statistics.median(found) for name, found in waits.items()}
    return Found(
        how="As in `make bench`: gateway, tower and index as processes, no username is asked for twice; here with a "
        f"SQLite store that holds {_RECORDED:,} interactions of other people. The echo exchanges the same messages and "
        f"computes nothing. Medians over {rounds} rounds in turns.",
        lines=(
            Line(
                f"cold feeds/s of the echo's, {IN_FLIGHT} in flight",
                rate["feed"] / rate["echo"],
                at_least=_BEFORE,
                note=f"{rate['feed']:,.0f} of {rate['echo']:,.0f}; .74 to .89 before",
            ),
            Line(
                "p50 of a cold feed, times the echo's, 1 in flight",
                wait["feed, 1 in flight"] / wait["echo, 1 in flight"],
                note=f"{1000 * wait['feed, 1 in flight']:.2f} ms, {1000 * wait['echo, 1 in flight']:.2f} ms",
            ),
            Line("feeds wrong or failed", wrong, at_most=0),
        ),
    )
