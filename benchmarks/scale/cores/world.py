"""The bundle and the processes that everything is measured on, and rows that people of it could have made."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.live.bench import Bench
from benchmarks.live.clients import VIEW, Did
from benchmarks.live.fleet import Fleet, running_fleet
from benchmarks.live.writers import Rows
from benchmarks.recording import Rows as StoreRows
from benchmarks.scale.cores.processor_time import loopback_bytes, seconds_of
from benchmarks.scale.cores.results import DATABASE, GATEWAY, INDEX, LOOPBACK, TOWER
from benchmarks.scale.cores.stores import MeasuredStore
from benchmarks.scale.index_bundle import BLEND
from store.interactions import NewInteraction, Verb

POSTS, CATEGORIES = 10_000, 4
KINDS = (GATEWAY, TOWER, INDEX)
_PEOPLE = 100_000
_BEGUN_MS = 1_790_000_000_000


def bundle_of(bench: Bench, *, users: int) -> Path:
    """The root of a bundle whose order by user is blended, as the product ships it; four categories of a fifth each."""
    from benchmarks.synthetic import Size, write_synthetic_bundle  # it loads torch

    posts = bench.pick(POSTS, 1_000)
    root = bench.bundles / f"blended-{posts}-{users}"
    if not root.exists():
        size = Size(posts=posts, users=users, categories=CATEGORIES, category_posts=posts // 5)
        write_synthetic_bundle(root, size, blend=BLEND)
    return root


@contextmanager
def one_of_each(
    bundles: Path, logs: Path, store: MeasuredStore, *, variables: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """A gateway, a tower and an index over a store."""
    with running_fleet(
        bundles, logs, store_url=store.url, gateways=1, towers=1, indexes=1, variables=variables
    ) as fleet:
        yield fleet


def spent(fleet: Fleet, store: MeasuredStore) -> dict[str, float]:
    """Seconds of processor time so far, by kind of process, of the database too; and bytes over loopback."""
    found = {kind: seconds_of(fleet.processes[f"{kind}-1"].process.pid) for kind in KINDS}
    return found | {DATABASE: store.processor_seconds(), LOOPBACK: loopback_bytes()}


def views(*, people: str, posts: int, size: int) -> Rows:
    """Batches of views, for a Writer: of many people whose names begin with ``people``, of whom none asks for feeds."""

    def rows(writer: str, batch: int) -> Sequence[Did]:
        first = batch * size
        return [
            Did(
                event_id=f"{writer}:{batch}:{row}",
                username=f"{people}{(first + row) * 7919 % _PEOPLE}",
                post_id=1 + (first + row) * 104_729 % posts,
                verb=VIEW,
            )
            for row in range(size)
        ]

    return rows


class MadeRows(StoreRows):
    """The same for the store itself; usernames follow a power law over 100,000 people."""

    def __init__(self, name: str, size: int, *, posts: int = POSTS) -> None:
        super().__init__(size)
        self._name, self._rows, self._posts, self._made = name, size, posts, count()
        self._chance = random.Random(name)  # noqa: S311 - made-up people

    def batch(self) -> list[NewInteraction]:
        return [self._interaction(number) for _, number in zip(range(self._rows), self._made, strict=False)]

    def _interaction(self, number: int) -> NewInteraction:
        return NewInteraction(
            event_id=f"{self._name}-{number:012d}",
            username=f"person_{int(10 * self._chance.paretovariate(0.8)) % _PEOPLE}",
            occurred_at_ms=_BEGUN_MS + number,
            verb=Verb.VIEW,
            post_id=1 + self._chance.randrange(self._posts),
        )
