"""Feeds with remember_served through two gateways in turns: no post comes again until the answer says exhausted."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.live.bench import Bench
from benchmarks.live.clients import Caller, calling, post_ids
from benchmarks.live.fleet import running_fleet
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import SQLITE, running_store

_CALLERS = 16
_LONGEST_SECONDS = 300.0
_CATEGORY = 1


@dataclass(slots=True)
class Shown:
    """``feeds`` before exhaustion, ``posts`` in them, and ``repeats`` among those."""

    feeds: int = 0
    posts: int = 0
    repeats: int = 0
    seconds: float = 0.0


def measure(bench: Bench) -> Found:
    """Many people for fifty feeds at each gateway, then a few people to the end of a category."""
    people, pages = bench.pick(1000, 3), bench.pick(50, 3)
    bundles = bench.synthetic_bundle()
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_fleet(bundles, bench.scratch / "logs", store_url=url) as fleet,
        ExitStack() as stack,
    ):
        pairs = [
            [stack.enter_context(calling(address)) for address in fleet.gateways] for _ in range(_CALLERS)
        ]  # a pair of connections a thread
        bench.say(f"{people:,} people, {pages} feeds at each of two gateways, at most {_LONGEST_SECONDS:g} s")
        shown = _ask_everybody(pairs, people=people, pages=pages)
        bench.say("to the end of a category")
        ended = [_ask_to_the_end(pairs[0], f"user{number + people}") for number in range(bench.pick(20, 2))]
    lines = (
        Line(
            "repeated posts before the answer says exhausted",
            shown.repeats,
            at_most=0,
            note=f"{people:,} people, {shown.feeds:,} of {2 * pages * people:,} feeds, {shown.posts:,} posts",
        ),
        Line("feeds/s with remember_served", shown.feeds / shown.seconds, "/s"),
        Line(
            "people who saw a whole category once before it was exhausted",
            100 * sum(ended) / len(ended),
            "%",
            at_least=100,
        ),
    )
    return Found(
        how=f"Two gateways, two towers, SQLite; {_CALLERS} callers. Everybody asks the two gateways in turns, always "
        f"for the first page of ten posts: {pages} times at each, or as often as {_LONGEST_SECONDS:g} s allow. Then "
        "some ask for pages of a category until the answer says `exhausted`.",
        lines=lines,
    )


def _ask_everybody(pairs: list[list[Caller]], *, people: int, pages: int) -> Shown:
    total, lock, begun = Shown(), threading.Lock(), time.monotonic()

    def ask(pair: list[Caller], first: int) -> None:
        """Everybody's feed once at each gateway, then again."""
        shown: dict[int, set[int]] = {number: set() for number in range(first, people, len(pairs))}
        for turn in range(2 * pages):
            for number in list(shown):
                if time.monotonic() - begun > _LONGEST_SECONDS:
                    return
                answer = pair[turn % 2].feed(f"user{number}", remember_served=True)
                if answer.exhausted:
                    del shown[number]
                    continue
                ids = post_ids(answer)
                with lock:
                    total.feeds, total.posts = total.feeds + 1, total.posts + len(ids)
                    total.repeats += len(ids) - len(set(ids) - shown[number])
                shown[number].update(ids)

    with ThreadPoolExecutor(len(pairs)) as pool:
        list(pool.map(ask, pairs, range(len(pairs))))
    total.seconds = time.monotonic() - begun
    return total


def _ask_to_the_end(pair: list[Caller], username: str) -> bool:
    """Whether every post of a category came exactly once before the answer said exhausted."""
    whole = _category_of(pair[0], username)
    shown: list[int] = []
    for turn in range(len(whole)):
        answer = pair[turn % 2].feed(username, category_id=_CATEGORY, page_size=100, remember_served=True)
        if answer.exhausted:
            fresh = [post for post in post_ids(answer) if post not in shown]
            return set(shown) | set(fresh) == whole and len(shown) == len(set(shown))
        shown += post_ids(answer)
    return False


def _category_of(caller: Caller, username: str) -> set[int]:
    ask = partial(caller.feed, username, category_id=_CATEGORY, page_size=100)
    answer = ask()
    ids = set(post_ids(answer))
    while answer.next_page_token:
        answer = ask(page_token=answer.next_page_token)
        ids.update(post_ids(answer))
    return ids
