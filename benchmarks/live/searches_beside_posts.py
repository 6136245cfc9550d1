"""Searches a second at the index while 200 posts a second with ready embeddings come, beside none, in turns.

The process that writes takes its share of the machine, too. So it also writes into a store that the index does not
follow: what is lost there is the machine's, and what is lost beyond that is the index's own work.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.live.bench import Bench
from benchmarks.live.ready_posts import (
    BUNDLE_ID,
    CATEGORIES,
    FIRST_ID,
    TEXT_DIMENSION,
    TOWER_DIMENSION,
    category_of,
    tower_of,
)
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import one_thread
from benchmarks.searching import LIMIT, USER_WEIGHT, embeddings, make_posts
from bundle.index_posts import IndexPosts
from compute.log_tail import REST_SECONDS, LogTail
from post_index_service.index import PostIndex
from post_index_service.query import Query
from store.log_entries import PostsEmbedded
from store.port import Store
from store.sql_store import open_store

_POSTS, _RATE = 100_000, 200
_USERS = 97  # prime, so that they meet every category in turn
_SAMPLED = 50  # one answer of so many is compared
_BAR = 0.8
_QUIET, _ELSEWHERE, _BESIDE = "without posts", f"with {_RATE} posts/s elsewhere", f"with {_RATE} posts/s"


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer of a call, as of a position of the log."""

    call: int
    position: int
    shown: tuple[int, ...]


class Searcher:
    """Searches by user, in a category and over all in turns."""

    def __init__(self, index: PostIndex, posts: IndexPosts) -> None:
        self._index, self._posts = index, posts
        self._users = embeddings(index.tower_space, _USERS, 1)
        self._calls = 0
        self.samples: list[Sample] = []

    def rate(self, seconds: float, *, sampled: int) -> float:
        """Searches a second; of ``sampled`` answers one is kept."""
        begun, first = time.perf_counter(), self._calls
        while time.perf_counter() - begun < seconds:
            query = self._query(self._calls)
            result = self._index.search(query)
            if self._calls % sampled == 0:
                shown = tuple(item.post.post_id for item in result.posts)
                self.samples.append(Sample(self._calls, result.posts_position or 0, shown))
            self._calls += 1
        return (self._calls - first) / (time.perf_counter() - begun)

    def _query(self, call: int) -> Query:
        category_id = 1 + call % CATEGORIES if call % 2 else None
        return Query(user=self._users[call % _USERS], category_id=category_id, limit=LIMIT)

    def wrong(self, positions_of: Mapping[int, int]) -> tuple[int, int]:
        """Of the samples, how many differ from brute force, and how many should hold a live post.

        ``positions_of`` are the positions of the embeddings of the live posts, by their number.
        """
        numbers = np.array(sorted(positions_of), dtype=np.int64)
        positions = np.array([positions_of[number] for number in numbers.tolist()], dtype=np.int64)
        towers = np.array([tower_of(number) for number in numbers.tolist()], np.float32).reshape(-1, TOWER_DIMENSION)
        categories = np.array([category_of(number) for number in numbers.tolist()], dtype=np.int64)
        ids = np.concatenate([self._posts.post_ids, FIRST_ID + numbers])
        wrong = with_live = 0
        for sample in self.samples:
            query = self._query(sample.call)
            assert query.user is not None
            scores = np.concatenate([self._posts.tower_embeddings @ query.user.values, towers @ query.user.values])
            is_there = np.concatenate([np.ones(len(self._posts.post_ids), np.bool_), positions <= sample.position])
            if query.category_id is not None:
                is_there &= np.concatenate([self._posts.category_ids, categories]) == query.category_id
            best = _best(np.where(is_there, scores, -np.inf), ids)
            wrong += tuple(best) != sample.shown
            with_live += max(best) >= FIRST_ID
        return wrong, with_live


def _best(scores: NDArray[np.floating], ids: NDArray[np.int64]) -> list[int]:
    rows = np.argpartition(-scores, 2 * LIMIT)[: 2 * LIMIT]
    best: list[int] = ids[rows[np.lexsort((ids[rows], -scores[rows]))][:LIMIT]].tolist()
    return best


def measure(bench: Bench) -> Found:
    """An index in this process follows the log, and another process writes it, or a log that nobody follows."""
    rounds, seconds = bench.pick(5, 1), 0.5 if bench.is_quick else 4.0
    each = bench.pick(_POSTS, 2_000) // CATEGORIES
    bench.say(f"{CATEGORIES * each:,} posts")
    posts = make_posts([each] * CATEGORIES, text_dimension=TEXT_DIMENSION)
    rates: dict[str, list[float]] = {_QUIET: [], _ELSEWHERE: [], _BESIDE: []}
    written, lasted = 0, 0.0
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_store(SQLITE, bench.scratch / "elsewhere") as (elsewhere, _),
        open_store(url) as store,
    ):
        log = LogTail(lambda: open_store(url), rest_seconds=REST_SECONDS)  # as the service does
        index = PostIndex(posts, bundle_id=BUNDLE_ID, user_weight=USER_WEIGHT, log=log)
        searcher = Searcher(index, posts)
        with log.followed(), _writing(url) as writer, _writing(elsewhere) as other:
            searcher.rate(seconds / 2, sampled=_SAMPLED)  # warm
            writers = {_QUIET: None, _ELSEWHERE: other, _BESIDE: writer}
            for turn in range(rounds):
                for how in list(rates) if turn % 2 else reversed(rates):
                    bench.say(f"round {turn + 1} of {rounds}, {how}")
                    process = writers[how]
                    if process is not None:
                        _say(process, f"{seconds}")
                    rates[how].append(searcher.rate(seconds, sampled=_SAMPLED))
                    count, took = ("0", "0") if process is None else _heard(process).split()
                    if process is writer:
                        written, lasted = written + int(count), lasted + float(took)
            reached = index.live.as_of(None, at_least=store.position(), seconds=30).position
        bench.say(f"{len(searcher.samples):,} answers beside brute force")
        wrong, with_live = searcher.wrong(visible_from(store, reached))
    quiet, apart, beside = (statistics.median(rates[how]) for how in (_QUIET, _ELSEWHERE, _BESIDE))
    return Found(
        how=f"An index of {CATEGORIES * each:,} posts follows a SQLite store, into which another process writes posts "
        "and, after each ten, their embeddings, or into a store that nobody follows. One thread of the index's process "
        "searches by user for ten posts, in one of ten categories and over all in turns; medians over "
        f"{rounds} rounds in turns. One answer in {_SAMPLED} is compared with brute force over the posts whose "
        "embeddings were in the log at the answer's position.",
        lines=(
            Line(
                f"searches/s beside {_RATE} posts/s, of those without",
                beside / quiet,
                at_least=_BAR,
                note=f"{beside:,.0f} of {quiet:,.0f}; {written / lasted:,.0f} posts/s came, {written:,} in all",
            ),
            Line(
                f"searches/s beside {_RATE} posts/s, of those while the same posts go into another store",
                beside / apart,
                at_least=_BAR,
                note=f"{beside:,.0f} of {apart:,.0f}: what reading the posts costs without the writer's own work",
            ),
            Line(
                "answers that differ from brute force",
                wrong,
                at_most=0,
                note=f"of {len(searcher.samples):,}, {with_live:,} with a live post",
            ),
        ),
        curves={how: tuple(found) for how, found in rates.items()},
    )


def visible_from(store: Store, position: int) -> dict[int, int]:
    """The position of the entry with the embeddings of each post, by its number."""
    found: dict[int, int] = {}
    read = 0
    while read < position:
        entries = store.entries_after(read)
        for entry in entries.entries:
            if isinstance(entry, PostsEmbedded):
                found |= {embedding.post_id - FIRST_ID: entry.position for embedding in entry.embeddings}
        read = entries.position
    return found


@contextmanager
def _writing(url: str) -> Iterator[subprocess.Popen[str]]:
    """The process that writes, ready to begin."""
    command = [sys.executable, "-m", "benchmarks.live.ready_posts", url, str(_RATE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8", env=one_thread()) as process:
        try:
            _heard(process)
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the writer ended with exit code {process.wait(20)}: its error is above")
    return line
