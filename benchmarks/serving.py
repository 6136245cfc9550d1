"""Measures requests a second and latencies of the product, its floors and its predecessor.

Every feed of the product is compared with the feed computed offline from its bundle; of the feeds with a new mood, one
in twenty is. The other feeds, and the predecessor's, must hold ten different posts of the right category. An echo's
answers are not checked.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.predecessor import write_tables
from benchmarks.processes import (
    Product,
    one_thread,
    running_echo,
    running_echo_of_three,
    running_predecessor,
    running_product,
)
from benchmarks.synthetic import Size, write_synthetic_bundle
from bundle.directory import open_bundle
from bundle.index_posts import IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from compute.recent_history import NO_HISTORY
from post_index_service.index import PostIndex
from post_index_service.query import Query
from user_tower_service.encoder import Encoder

POSTS, CATEGORIES, CATEGORY_POSTS = 10_000, 4, 2_000
WARM_USERS = 10_000  # who are asked for repeatedly; the others once
_COLD, _COLD_ONE = 4_000, 900  # users that a row of 16, and of one in flight, may ask for in a round
IN_FLIGHT = 16
_ZIPF = 1.1
_MOODS = 20
_CHECKED_NEW_MOODS = 20  # one of this many is compared with the feed computed offline
_USER_TICKS, _KERNEL_TICKS = 11, 12  # fields of /proc/PID/stat after the name

Asked = tuple[str, int, str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: a target and the load on it; ``requests`` gives the requests of a round."""

    name: str
    target: str
    protocol: str
    in_flight: int
    requests: Callable[[int], Sequence[Asked]]
    once: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a row: medians over the rounds, in right answers a second and seconds, and counts over all rounds.

    ``processor_seconds`` is the processor time of each of the product's processes for one right answer.
    """

    name: str
    in_flight: int
    rate: float
    p50_seconds: float
    p99_seconds: float
    rates: tuple[float, ...]
    answered: int
    wrong: int
    failed: int
    examples: tuple[str, ...]
    processor_seconds: Mapping[str, float] = field(default_factory=dict)


def measure_serving(
    scratch: Path, *, rounds: int, seconds: float, on_row: Callable[[int, str], None] | None = None
) -> list[Measured]:
    """Start all processes, run every row in each round, stop them; bundle, tables and logs go to ``scratch``."""
    bundles = scratch / "bundles"
    users = WARM_USERS + (rounds + 1) * (_COLD + _COLD_ONE)
    directory = write_synthetic_bundle(bundles, Size(POSTS, users, CATEGORIES, CATEGORY_POSTS))
    asked = _Requests(directory, users)
    write_tables(asked.index_posts, asked.usernames[:WARM_USERS], asked.user_embeddings(WARM_USERS), scratch / "tables")
    with ExitStack() as stack:
        logs = scratch / "logs"
        product = stack.enter_context(running_product(bundles, logs=logs))
        echo = stack.enter_context(running_echo_of_three(logs=logs))
        single = stack.enter_context(running_echo("single", logs=logs))
        predecessor = stack.enter_context(running_predecessor(scratch / "tables", logs=logs))
        alone = stack.enter_context(running_product(bundles, logs=logs, embedded=True))
        grpc, http = product.gateway_grpc, product.gateway_http
        rows = (
            Row("echo, one sync process", single, "echo", IN_FLIGHT, asked.zipf),
            Row("echo, three processes", echo, "echo", IN_FLIGHT, asked.zipf),
            Row("feed, usernames by Zipf", grpc, "grpc", IN_FLIGHT, asked.zipf),
            Row("feed, usernames uniformly", grpc, "grpc", IN_FLIGHT, asked.uniform),
            Row("feed, no username twice", grpc, "grpc", IN_FLIGHT, asked.cold, once=True),
            Row("feed over HTTP, by Zipf", http, "http", IN_FLIGHT, asked.zipf),
            Row("feed with a mood seen before", grpc, "grpc", IN_FLIGHT, asked.old_moods),
            Row("feed with a new mood", grpc, "grpc", IN_FLIGHT, asked.new_moods, once=True),
            Row("one process (embedded), by Zipf", alone.gateway_grpc, "grpc", IN_FLIGHT, asked.zipf),
            Row("predecessor", predecessor, "http", IN_FLIGHT, asked.unchecked),
            Row("predecessor, new mood", predecessor, "http", IN_FLIGHT, asked.unchecked_new_moods, once=True),
            Row("echo, three processes", echo, "echo", 1, asked.zipf),
            Row("feed, usernames by Zipf", grpc, "grpc", 1, asked.zipf),
            Row("feed, no username twice", grpc, "grpc", 1, asked.cold_one, once=True),
        )
        results: dict[int, list[dict[str, Any]]] = {number: [] for number in range(len(rows))}
        for turn in range(rounds + 1):  # the first one warms up
            for number, row in enumerate(rows):
                if on_row:
                    on_row(turn, row.name)
                spent = _processor_seconds(product)
                result = run_load(row, turn, seconds)
                result["processor_seconds"] = {
                    name: now - spent[name] for name, now in _processor_seconds(product).items()
                }
                if turn:
                    results[number].append(result)
    return [_median(row, results[number], products={grpc, http}) for number, row in enumerate(rows)]


class _Requests:
    """The requests of each row, with the post ids that the answers must hold."""

    def __init__(self, directory: Path, users: int) -> None:
        bundle = open_bundle(directory)
        self.index_posts = IndexPosts.read(bundle)
        self._index = PostIndex(
            self.index_posts,
            bundle_id=bundle.bundle_id,
            user_weight=bundle.manifest.user_weight,
            trends=PostTrends.read(bundle, count=len(self.index_posts.posts)),
            steps=PostSteps.read(bundle, count=len(self.index_posts.posts)),
            blend=bundle.manifest.blend,
        )
        self._encoder = Encoder(bundle, mood_cache_size=_MOODS)
        self.usernames = [f"user{number}" for number in range(users)]
        self._random = np.random.default_rng(0)
        self._feeds = [self._asked(number, "") for number in range(users)]
        self._moods = [f"mood of the day {number}" for number in range(_MOODS)]
        ranks = np.arange(1, WARM_USERS + 1, dtype=np.float64) ** -_ZIPF
        self._zipf = self._random.choice(WARM_USERS, size=20_000, p=ranks / ranks.sum())
        self._moody = {
            number: self._asked(number, self._moods[number % _MOODS]) for number in np.unique(self._zipf).tolist()
        }
        self._next_cold = WARM_USERS
        self._next_mood = 0

    def user_embeddings(self, count: int) -> np.ndarray:
        """The embeddings of the first users: float32 [count, tower dimension]."""
        contexts = [self._encoder.encode_context(username, "") for username in self.usernames[:count]]
        return np.stack([context.user.values for context in contexts if context.user is not None])

    def zipf(self, turn: int) -> list[Asked]:
        """A few usernames often, most of them rarely."""
        return [self._feeds[number] for number in np.roll(self._zipf, turn * 1_000)]

    def uniform(self, turn: int) -> list[Asked]:
        """Ten thousand usernames, all equally often."""
        return [self._feeds[number] for number in np.random.default_rng(turn).permutation(WARM_USERS)]

    def cold(self, turn: int) -> list[Asked]:
        """Usernames that were never asked for before, for many requests in flight."""
        return self._take_cold(_COLD)

    def cold_one(self, turn: int) -> list[Asked]:
        """The same, as many as one request in flight at a time can use up."""
        return self._take_cold(_COLD_ONE)

    def old_moods(self, turn: int) -> list[Asked]:
        """Twenty moods, usernames by Zipf: the requests of ``zipf`` with a mood each."""
        return [self._moody[number] for number in np.roll(self._zipf, turn * 1_000)]

    def new_moods(self, turn: int) -> list[Asked]:
        """Moods that were never asked for before."""
        asked = []
        for number in range(2_000):
            mood = f"in the mood for number {self._next_mood}"
            self._next_mood += 1
            is_checked = number % _CHECKED_NEW_MOODS == 0
            asked.append(self._asked(number, mood) if is_checked else (*self._feeds[number][:2], mood, ()))
        return asked

    def unchecked(self, turn: int) -> list[Asked]:
        """For the predecessor, which ranks by its own rule."""
        return [(username, category, "", ()) for username, category, *_ in self.zipf(turn)]

    def unchecked_new_moods(self, turn: int) -> list[Asked]:
        """The same with moods that were never asked for before."""
        return [
            (username, category, f"feeling {turn} {number}", ())
            for number, (username, category, *_) in enumerate(self.zipf(turn)[:2_000])
        ]

    def _take_cold(self, count: int) -> list[Asked]:
        taken = self._feeds[self._next_cold : self._next_cold + count]
        self._next_cold += count
        return taken

    def _asked(self, number: int, mood: str) -> Asked:
        context = self._encoder.encode_context(self.usernames[number], mood)
        category = 1 + number % CATEGORIES
        found = self._index.search(
            Query(
                user=context.user,
                mood=context.mood,
                category_id=category,
                seen_post_ids=context.seen_post_ids,
                recent_history=context.recent or NO_HISTORY,
            )
        )
        return self.usernames[number], category, mood, tuple(ranked.post.post_id for ranked in found.posts)


def run_load(row: Row, turn: int, seconds: float) -> dict[str, Any]:
    """Run benchmarks.load on a row for one round; returns its result."""
    plan = {
        "target": row.target,
        "protocol": row.protocol,
        "in_flight": row.in_flight,
        "seconds": seconds,
        "requests": row.requests(turn),
        "once": row.once,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
        env=one_thread(),
        encoding="utf-8",
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _median(row: Row, results: list[dict[str, Any]], *, products: Collection[str]) -> Measured:
    rates = tuple(result["answered"] / result["seconds"] for result in results)
    latencies = [np.array(result["latencies"]) for result in results]
    return Measured(
        name=row.name,
        in_flight=row.in_flight,
        rate=statistics.median(rates),
        p50_seconds=statistics.median(float(np.quantile(found, 0.5)) for found in latencies),
        p99_seconds=statistics.median(float(np.quantile(found, 0.99)) for found in latencies),
        rates=rates,
        answered=sum(result["answered"] for result in results),
        wrong=sum(result["wrong"] for result in results),
        failed=sum(result["failed"] for result in results),
        examples=tuple(example for result in results for example in result["examples"])[:3],
        processor_seconds=_per_answer(results) if row.target in products else {},
    )


def _processor_seconds(product: Product) -> dict[str, float]:
    """The user and system time of each process so far."""
    spent = {}
    for name, process in product.processes.items():
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        spent[name] = (int(fields[_USER_TICKS]) + int(fields[_KERNEL_TICKS])) / os.sysconf("SC_CLK_TCK")
    return spent


def _per_answer(results: Sequence[dict[str, Any]]) -> dict[str, float]:
    answered = sum(result["answered"] for result in results) or 1
    names = results[0]["processor_seconds"]
    return {name: sum(result["processor_seconds"][name] for result in results) / answered for name in names}
