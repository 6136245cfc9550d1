"""How soon a feed reflects what was acknowledged: at the same gateway, and at the other of two, over two towers."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.clients import LIKE, NOT_INTERESTED, Caller, Did, RefusedError, calling, post_ids
from benchmarks.live.fleet import running_fleet
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import STORES, running_store
from benchmarks.live.writers import Writer, rows_of, writing

_IN_A_ROW = 4  # answers that reflect it before it counts as reflected: the towers take turns
_LONGEST = 10.0  # seconds
_RATE, _BATCH = 500, 50  # interactions a second of other people, in the rows with load


@dataclass(slots=True)
class Seen:
    """``at_once`` of ``trials`` were reflected by the next four feeds of the same gateway; ``seconds`` elsewhere."""

    trials: int = 0
    at_once: int = 0
    seconds: list[float] = field(default_factory=list)


def measure(bench: Bench) -> Found:
    """Dislikes of known users and first likes of strangers, through each gateway in turn."""
    trials = bench.pick(200, 4)
    bundles = bench.synthetic_bundle()
    lines: list[Line] = []
    curves: dict[str, tuple[float, ...]] = {}
    for kind in STORES[: bench.pick(2, 1)]:
        bench.say(f"{kind}: two gateways, two towers")
        with (
            running_store(kind, bench.scratch / kind) as (url, _),
            running_fleet(bundles, bench.scratch / "logs" / kind, store_url=url, towers=bench.pick(2, 1)) as fleet,
            ExitStack() as stack,
        ):
            callers = [stack.enter_context(calling(address)) for address in fleet.gateways]
            rows = rows_of(users=bench.pick(1000, 20), posts=1000, size=_BATCH)
            for load in ("quiet", f"beside {_RATE} interactions/s")[: bench.pick(2, 1)]:
                bench.say(f"{kind}, {load}: {trials} writes")
                writer = Writer(f"{kind} load", fleet.gateways[0], rows, every=_BATCH / _RATE)
                with writing([writer] if load != "quiet" else []):
                    seen = _try(callers, trials, name=f"{kind} {load}", users=bench.pick(1000, 20))
                lines += _lines(f"{kind}, {load}", seen)
                curves[f"{kind}, {load}"] = tuple(seen.seconds)
    return Found(
        how="Two gateways, two towers and an index as processes. A person dislikes the first post of their feed, or "
        "a stranger likes their first post. *At once*: the next four feeds at the gateway that took it. *Elsewhere*: "
        "from the acknowledgement to the first of four answers in a row of the other gateway that reflect it, without "
        "`at_least_position`.",
        lines=tuple(lines),
        curves=curves,
    )


def _try(callers: list[Caller], trials: int, *, name: str, users: int) -> Seen:
    seen = Seen()
    for number in range(trials):
        here, there = callers if number % 2 else callers[::-1]
        event_id = f"{name} {number}"
        if number % 4 < 2:
            username = f"user{number % users}"
            post = post_ids(there.feed(username))[0]  # so the other gateway remembers them
            is_reflected = _without(username, post)
            row = Did(event_id, username, post, NOT_INTERESTED)
        else:
            username = f"stranger {name} {number}"
            is_reflected = _is_known(username)
            row = Did(event_id, username, 1 + number, LIKE)
        here.record([row])
        acknowledged = time.perf_counter()
        at_once = all([is_reflected(here)])
        seen.seconds.append(_until(lambda: is_reflected(there), acknowledged))  # noqa: B023 - called at once
        seen.at_once += at_once and all(is_reflected(here) for _ in range(_IN_A_ROW - 1))
        seen.trials += 1
    return seen


def _without(username: str, post: int) -> Callable[[Caller], bool]:
    return lambda caller: post not in post_ids(caller.feed(username))


def _is_known(username: str) -> Callable[[Caller], bool]:
    def is_known(caller: Caller) -> bool:
        try:
            return bool(caller.feed(username).posts)
        except RefusedError as error:
            if error.refusal.status != "NOT_FOUND":
                raise
            return False

    return is_known


def _until(is_so: Callable[[], bool], begun: float) -> float:
    """Seconds from ``begun`` to the first of several answers in a row that are so; infinite after ten seconds."""
    in_a_row, first = 0, begun
    while in_a_row < _IN_A_ROW:
        if time.perf_counter() - begun > _LONGEST:
            return float("inf")
        if is_so():
            in_a_row += 1
            first = time.perf_counter() if in_a_row == 1 else first
        else:
            in_a_row = 0
    return first - begun


def _lines(where: str, seen: Seen) -> list[Line]:
    p50, p99 = np.quantile(seen.seconds, [0.5, 0.99]) * 1000
    return [
        Line(f"reflected at once, same gateway: {where}", 100 * seen.at_once / seen.trials, "%", at_least=100),
        Line(f"reflected elsewhere, p50: {where}", float(p50), "ms"),
        Line(f"reflected elsewhere, p99: {where}", float(p99), "ms", at_most=1000, goal=200),
    ]
