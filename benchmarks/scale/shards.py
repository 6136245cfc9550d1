"""Measures an index of one, two and four shards: memory, start, searches; and whether all answer the same.

    python -m benchmarks.scale.shards --posts 1000000 --output data/bench-scale

Each search goes the way of a feed, from the gateway's search over gRPC to real processes. Only the user tower is left
out: users and moods are random unit vectors.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.processes import Started, free_addresses, running_process
from benchmarks.scale.index_bundle import CATEGORIES, write_index_bundle
from bundle.directory import current_bundle, open_bundle
from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace
from compute.embedding_messages import write_embedding
from gateway.clients import GrpcPostSearch, PostIndexStub
from gateway.feed_types import FeedContext, FoundPosts, PostSearch, RecentHistory, Search
from gateway.shard_clients import GrpcShard
from gateway.sharded_search import ShardedPostSearch
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.post_index.v1 import post_index_pb2
from rpc.probe import is_serving
from rpc.replicas import Replicas
from rpc.wall_clock import now_ms

_NOON = 1_767_225_600_000
_HISTORY = 30
_KINDS = ("by user in a category", "by user over all", "by mood and user over all", "most popular over all")
_PAGES = (0, 1_000)  # offsets
_ATTEMPT_SECONDS, _SECONDS = 30.0, 60.0
_LIMIT = 10

Sought = Search[embedding_pb2.Embedding]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one number of shards: what each process takes, and the seconds of each search by kind."""

    shards: int
    start_seconds: float
    anonymous: Sequence[float]
    mapped: Sequence[float]
    seconds: Mapping[str, Sequence[float]]
    equal: Mapping[str, float]  # the share of answers that are those of the first number of shards


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--tower", type=int, default=64)
    parser.add_argument("--text", type=int, default=384)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--searches", type=int, default=300)
    parser.add_argument("--output", type=Path, default=Path("data/bench-scale"))
    options = parser.parse_args()
    root = options.output / f"{options.posts}x{options.tower}x{options.text}"
    if not (root / "current").exists():
        write_index_bundle(root, options.posts, tower=options.tower, text=options.text)
    searches = _searches(root, options.searches, posts=options.posts)
    expected: Mapping[str, Sequence[object]] = {}
    found: list[Figures] = []
    for shards in options.shards:
        figures, answers = _measured(root, shards, searches, expected, logs=options.output / "logs")
        expected = expected or answers
        found.append(figures)
        print(as_markdown(found), flush=True)
    (options.output / f"shards-{options.posts}.md").write_text(as_markdown(found), encoding="utf-8")


def as_markdown(found: Sequence[Figures]) -> str:
    """The tables of docs/shards.md."""
    lines = [
        "| shards | start, s | memory of each process, MB | mapped pages of the bundle in it, MB |",
        "|---" * 4 + "|",
    ]
    for item in found:
        own, mapped = (" ".join(f"{size / 1e6:,.0f}" for size in sizes) for sizes in (item.anonymous, item.mapped))
        lines.append(f"| {item.shards} | {item.start_seconds:.1f} | {own} | {mapped} |")
    lines += ["", "| search, ms | " + " | ".join(f"{item.shards}: p50 | p99" for item in found) + " |"]
    lines.append("|---" * (1 + 2 * len(found)) + "|")
    for kind in found[0].seconds:
        cells = (np.percentile(item.seconds[kind], (50, 99)) * 1e3 for item in found)
        lines.append(f"| {kind} | " + " | ".join(f"{p50:.2f} | {p99:.2f}" for p50, p99 in cells) + " |")
    lines += ["", f"| as of {found[0].shards}, % | " + " | ".join(str(item.shards) for item in found) + " |"]
    lines.append("|---" * (1 + len(found)) + "|")
    for kind in found[0].equal:
        lines.append(f"| {kind} | " + " | ".join(f"{100 * item.equal[kind]:.1f}" for item in found) + " |")
    return "\n".join(lines) + "\n"


def _searches(root: Path, count: int, *, posts: int) -> Mapping[str, Sequence[Sought]]:
    bundle, random = open_bundle(current_bundle(root)), np.random.default_rng(2)
    spaces = {
        EmbeddingKind.TOWER: EmbeddingSpace(bundle.bundle_id, EmbeddingKind.TOWER, bundle.manifest.tower_dimension),
        EmbeddingKind.TEXT: EmbeddingSpace(bundle.bundle_id, EmbeddingKind.TEXT, bundle.manifest.text_dimension),
    }

    def drawn(kind: EmbeddingKind) -> embedding_pb2.Embedding:
        values = random.standard_normal(spaces[kind].dimension, dtype=np.float32)
        return write_embedding(Embedding(spaces[kind], values / np.linalg.norm(values)))

    def search(kind: str, offset: int, *, diversity: float = 0.0, most_per_owner: int = 0) -> Sought:
        history = tuple(random.integers(1, posts + 1, _HISTORY).tolist())
        context = FeedContext(
            user=None if "popular" in kind else drawn(EmbeddingKind.TOWER),
            mood=drawn(EmbeddingKind.TEXT) if "mood" in kind else None,
            seen_post_ids=history,
            bundle_id=bundle.bundle_id,
            recent=RecentHistory(history[-10:], _HISTORY, _NOON),
        )
        category = int(random.integers(1, CATEGORIES + 1)) if "category" in kind else None
        return Search(context, category, (), offset, _LIMIT, diversity=diversity, most_per_owner=most_per_owner)

    found = {kind: [search(kind, 0) for _ in range(count)] for kind in _KINDS}
    deep = "by user over all, from place 1,000"
    over_all = "by user over all"
    return {
        **found,
        f"{over_all}, diverse": [search(over_all, 0, diversity=0.5) for _ in range(count)],
        f"{over_all}, two of an account": [search(over_all, 0, most_per_owner=2) for _ in range(count)],
        deep: [search(over_all, 1_000) for _ in range(max(1, count // 10))],
    }


def _measured(
    root: Path,
    shards: int,
    searches: Mapping[str, Sequence[Sought]],
    expected: Mapping[str, Sequence[object]],
    *,
    logs: Path,
) -> tuple[Figures, Mapping[str, Sequence[object]]]:
    with _serving(root, shards, logs=logs) as (started, addresses, start_seconds):
        seconds, answers = asyncio.run(_asked(addresses, searches))
        memory = [_memory(item) for item in started]
    expected = expected or answers
    equal = {
        kind: float(np.mean([mine == first for mine, first in zip(answers[kind], expected[kind], strict=True)]))
        for kind in answers
    }
    anonymous, mapped = ([item[name] for item in memory] for name in ("RssAnon", "RssFile"))
    return Figures(shards, start_seconds, anonymous, mapped, seconds, equal), answers


@contextmanager
def _serving(root: Path, shards: int, *, logs: Path) -> Iterator[tuple[Sequence[Started], Sequence[str], float]]:
    """All shards, started at once, and the seconds until the last one serves."""
    addresses = free_addresses(shards)
    with ExitStack() as stack:
        began, started = time.monotonic(), []
        for shard, address in enumerate(addresses):
            variables = {
                "MOODFEED_BUNDLES": str(root),
                "MOODFEED_POST_INDEX_ADDRESS": address,
                "MOODFEED_POST_INDEX_SHARDS": str(shards),
                "MOODFEED_POST_INDEX_SHARD": str(shard),
            }
            started.append(stack.enter_context(running_process("post_index_service", logs=logs, variables=variables)))
        for item, address in zip(started, addresses, strict=True):
            item.wait_until(partial(is_serving, address), seconds=1_200)
        yield started, addresses, time.monotonic() - began


async def _asked(
    addresses: Sequence[str], searches: Mapping[str, Sequence[Sought]]
) -> tuple[Mapping[str, Sequence[float]], Mapping[str, Sequence[object]]]:
    replicas = [Replicas(f"shard {number}", [address], PostIndexStub) for number, address in enumerate(addresses)]
    for item in replicas:
        await item.start()
    search: PostSearch[embedding_pb2.Embedding] = GrpcPostSearch(replicas[0], attempt_seconds=_ATTEMPT_SECONDS)
    if len(replicas) > 1:
        shards = [GrpcShard(item, attempt_seconds=_ATTEMPT_SECONDS) for item in replicas]
        search = ShardedPostSearch(shards, now_ms=now_ms)
    seconds: dict[str, list[float]] = {kind: [] for kind in searches}
    answers: dict[str, list[object]] = {kind: [] for kind in searches}
    for kind, sought in searches.items():
        for asked in [*sought[: len(sought) // 10], *sought]:  # the first ones warm up
            began = time.perf_counter()
            found = await search.search_posts(asked, seconds=_SECONDS)
            seconds[kind].append(time.perf_counter() - began)
            answers[kind].append(_shown(found))
        seconds[kind], answers[kind] = seconds[kind][-len(sought) :], answers[kind][-len(sought) :]
    runs = [asyncio.create_task(item.run()) for item in replicas]
    await asyncio.sleep(0)  # they begin, and close their channels when they are cancelled
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    return seconds, answers


def _shown(found: FoundPosts) -> object:
    posts = map(post_index_pb2.RankedPost.FromString, found.posts)
    return [(post.post_id, post.score, post.ranking_score) for post in posts]


def _memory(started: Started) -> Mapping[str, float]:
    """Resident bytes: of the process alone, and of files, which all processes share."""
    status = Path(f"/proc/{started.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0]: 1024.0 * int(line.split()[1]) for line in status if line.startswith("Rss")}


if __name__ == "__main__":
    main()
