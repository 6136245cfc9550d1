"""The callers of the figure of deletions: they ask for feeds, delete and upsert again, and bring new posts."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.live.clients import Caller, Refusal, RefusedError, calling, post_ids
from benchmarks.live.deletion_ledger import DeletionLedger
from benchmarks.live.fleet import Fleet
from benchmarks.live.live_posts import live_post

READERS = 4
LIVE = 100
"""The category of posts that came while it served."""

ANCHOR = 900_000
"""The number of the post whose similar posts are asked for."""

_PEOPLE = 20
_CATEGORIES = 4  # of the bundle
_MOST_LIVE = 40  # so that a page shows all of them
_OLD_SECONDS = 2.0  # a deleted post comes back when it has been away for longer
_PAUSE_SECONDS = 0.1  # between two changes of a kind
_RETRY_SECONDS = 0.05


@dataclass(slots=True)
class Now:
    """What happens at present, for all threads; ``refused`` counts feeds that failed."""

    phase: str
    is_over: threading.Event = field(default_factory=threading.Event)
    refused: Counter[Refusal] = field(default_factory=Counter)


def threads_of(fleet: Fleet, ledger: DeletionLedger, now: Now) -> list[threading.Thread]:
    """Those who ask, those who delete and upsert again, and those who bring new posts; none is started yet."""
    gateways = dict(zip(fleet.names("gateway"), fleet.gateways, strict=True))
    names = list(gateways)
    works = [
        *(
            lambda reader=reader: _read(names[reader % len(names)], gateways, ledger, now, seed=reader)
            for reader in range(READERS)
        ),
        lambda: _delete_and_restore(gateways, ledger, now),
        lambda: _come_and_go(gateways, ledger, now),
    ]
    return [threading.Thread(target=work, daemon=True) for work in works]


def _read(name: str, gateways: dict[str, str], ledger: DeletionLedger, now: Now, *, seed: int) -> None:
    """Ask one gateway for feeds of each kind until it is over."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    with calling(gateways[name]) as caller:
        asks: Sequence[Callable[[], list[int]]] = (
            lambda: post_ids(caller.feed(_person(chance), category_id=chance.randint(1, _CATEGORIES), page_size=20)),
            lambda: post_ids(caller.feed(_person(chance), page_size=20)),
            lambda: post_ids(caller.feed(_person(chance), category_id=LIVE, page_size=100)),
            lambda: post_ids(
                caller.feed("a stranger", category_id=LIVE, mood=live_post(seed, LIVE).title, page_size=100)
            ),
            lambda: post_ids(caller.similar(live_post(ANCHOR, LIVE).post_id, page_size=100)),
        )
        for number in itertools.count():
            if now.is_over.is_set():
                return
            phase, asked = now.phase, time.perf_counter()
            try:
                shown = asks[number % len(asks)]()
            except RefusedError as error:
                now.refused[error.refusal] += 1
                now.is_over.wait(_RETRY_SECONDS)
                continue
            ledger.judge(shown, gateway=name, asked=asked, answered=time.perf_counter(), phase=phase)


def _person(chance: random.Random) -> str:
    return f"user{chance.randrange(_PEOPLE)}"


def _delete_and_restore(gateways: dict[str, str], ledger: DeletionLedger, now: Now) -> None:
    """Delete the first post of somebody's feed through each gateway in turn; every other one comes back later."""
    chance = random.Random(-1)  # noqa: S311 - no secret
    away: list[tuple[float, int]] = []
    with ExitStack() as stack:
        callers = {name: stack.enter_context(calling(address)) for name, address in gateways.items()}
        for number in itertools.count():
            if now.is_over.wait(_PAUSE_SECONDS):
                return
            name = list(callers)[number % len(callers)]
            caller = callers[name]
            category_id = (None, *range(1, _CATEGORIES + 1))[number % (_CATEGORIES + 1)]
            shown: list[int] = []
            _again(lambda: shown.extend(post_ids(caller.feed(_person(chance), category_id=category_id))), now)  # noqa: B023 - called at once
            if not shown or shown[0] >= live_post(0, LIVE).post_id:
                continue
            _delete(shown[0], name, caller, ledger, now)
            if number % 2:
                away.append((time.perf_counter(), shown[0]))
            if away and time.perf_counter() - away[0][0] > _OLD_SECONDS:
                post_id = away.pop(0)[1]
                post = live_post(number, 1 + post_id % _CATEGORIES, post_id=post_id)
                ledger.restoring(post_id)
                _again(lambda: caller.upsert([post]), now)  # noqa: B023 - called at once


def _come_and_go(gateways: dict[str, str], ledger: DeletionLedger, now: Now) -> None:
    """Upsert new posts through one gateway, and delete the oldest of them through the other one."""
    with ExitStack() as stack:
        callers = {name: stack.enter_context(calling(address)) for name, address in gateways.items()}
        there: list[int] = []
        for number in itertools.count():
            if now.is_over.wait(_PAUSE_SECONDS):
                return
            names = list(callers)
            first, second = names if number % 2 else names[::-1]
            post = live_post(number, LIVE)
            _again(lambda: callers[first].upsert([post]), now)  # noqa: B023 - called at once
            there.append(post.post_id)
            if len(there) > _MOST_LIVE:
                _delete(there.pop(0), second, callers[second], ledger, now)


def _delete(post_id: int, name: str, caller: Caller, ledger: DeletionLedger, now: Now) -> None:
    if _again(lambda: caller.delete([post_id]), now):
        ledger.deleted(post_id, gateway=name)


def _again(call: Callable[[], None], now: Now) -> bool:
    """Call until it is answered; whether it was before the end."""
    while not now.is_over.is_set():
        try:
            call()
        except RefusedError:
            now.is_over.wait(_RETRY_SECONDS)
        else:
            return True
    return False
