"""Measures what more posts cost: a feed from a category of one size, a search over all posts, the start, the memory."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.processes import running_post_index, running_product
from benchmarks.rows import Row, in_turns
from benchmarks.serving import IN_FLIGHT, Asked, run_load
from benchmarks.serving import Row as LoadRow
from benchmarks.synthetic import TEXT_DIMENSION, TOWER_DIMENSION, Size, write_synthetic_bundle
from bundle.directory import open_bundle
from bundle.index_posts import IndexPosts
from post_index_service.index import PostIndex
from post_index_service.query import Query
from user_tower_service.encoder import Encoder

CATEGORY_POSTS, USERS = 2_000, 300
STARTS = 3
START_SECONDS, VECTORS_SHARE = 5.0, 1.3


@dataclass(frozen=True, slots=True)
class Point:
    """The costs at one number of posts, in seconds and bytes."""

    posts: int
    feed_p50: float
    feeds_per_second: float
    category_search: float
    whole_search: float
    start: float
    resident: float
    vectors: float


def measure_growth(
    scratch: Path,
    sizes: Sequence[int],
    *,
    rounds: int,
    seconds: float,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Point]:
    """Measure every size in every round; each size has a running product of its own, with a bundle below ``scratch``.

    Raises RuntimeError if a feed is wrong or fails.
    """
    with ExitStack() as stack:
        loads, searches, facts = [], [], []
        for posts in sizes:
            on_step(f"a bundle of {posts:,} posts")
            root = scratch / str(posts)
            directory = write_synthetic_bundle(root, Size(posts, USERS, 1, CATEGORY_POSTS))
            on_step(f"starting on {posts:,} posts")
            starts = [_start(root, scratch / f"logs-{posts}") for _ in range(STARTS)]
            facts.append([float(np.median(column)) for column in zip(*starts, strict=True)])
            bundle = open_bundle(directory)
            index = PostIndex(IndexPosts.read(bundle), bundle_id=bundle.bundle_id, user_weight=0.1)
            encoder = Encoder(bundle, mood_cache_size=1)
            users = [encoder.encode_context(f"user{number}", "") for number in range(USERS)]
            narrow = [Query(user=user.user, category_id=1, seen_post_ids=user.seen_post_ids) for user in users]
            wide = [Query(user=user.user, seen_post_ids=user.seen_post_ids) for user in users]
            searches.append((index, narrow, wide))
            asked = [
                (f"user{number}", 1, "", tuple(found.post.post_id for found in index.search(query).posts))
                for number, query in enumerate(narrow)
            ]
            product = stack.enter_context(running_product(root, logs=scratch / f"logs-{posts}"))
            loads.append((product.gateway_grpc, asked))
        p50s: list[list[float]] = [[] for _ in sizes]
        rates: list[list[float]] = [[] for _ in sizes]
        for turn in range(rounds + 1):  # the first one warms up
            for number, (target, asked) in enumerate(loads):
                on_step(f"feeds from {sizes[number]:,} posts, round {turn} of {rounds}")
                for in_flight, kept in ((1, p50s), (IN_FLIGHT, rates)):
                    row = LoadRow("", target, "grpc", in_flight, partial(_all_of, asked))
                    result = run_load(row, turn, seconds)
                    if result["wrong"] or result["failed"]:
                        raise RuntimeError(f"{sizes[number]} posts: wrong or failed feeds: {result['examples']}")
                    if turn:
                        rate = result["answered"] / result["seconds"]
                        kept[number].append(float(np.median(result["latencies"])) if in_flight == 1 else rate)
        on_step("searches")
        narrow_seconds = _searches([(index, queries) for index, queries, _ in searches], rounds=rounds)
        wide_seconds = _searches([(index, queries) for index, _, queries in searches], rounds=rounds)
    return [
        Point(
            posts=posts,
            feed_p50=float(np.median(p50s[number])),
            feeds_per_second=float(np.median(rates[number])),
            category_search=narrow_seconds[number],
            whole_search=wide_seconds[number],
            start=facts[number][0],
            resident=facts[number][1],
            vectors=float(posts * (4 * TOWER_DIMENSION + 2 * TEXT_DIMENSION)),
        )
        for number, posts in enumerate(sizes)
    ]


def growth_rows(points: Sequence[Point]) -> list[Row]:
    """The largest size beside the smallest, and beside the goals for start and memory."""
    few, many = points[0], points[-1]
    ms, gb = 1e3, 1e-9
    smallest = f"the same of {few.posts:,}"
    return [
        Row(
            f"p50 of a feed from a category of {CATEGORY_POSTS:,} of {many.posts:,}",
            ms * many.feed_p50,
            ms * few.feed_p50,
            "ms",
            smallest,
            at_most=1.1,
        ),
        Row(
            "search in that category", ms * many.category_search, ms * few.category_search, "ms", smallest, at_most=None
        ),
        Row(
            f"index of {many.posts:,} posts until SERVING, verified",
            many.start,
            START_SECONDS,
            "s",
            f"{START_SECONDS:g} s",
            at_most=1.0,
        ),
        Row("its memory then", gb * many.resident, gb * many.vectors, "GB", "its vectors", at_most=VECTORS_SHARE),
    ]


def growth_as_markdown(points: Sequence[Point]) -> str:
    """A table with a line for each size."""
    lines = [
        "| posts | feed p50, ms | feeds/s | in category, ms | over all, ms | start, s | resident, MB | vectors, MB |",
        "|---" * 8 + "|",
        *(
            f"| {point.posts:,} | {point.feed_p50 * 1e3:.2f} | {point.feeds_per_second:,.0f} "
            f"| {point.category_search * 1e3:.3f} | {point.whole_search * 1e3:.3f} | {point.start:.2f} "
            f"| {point.resident / 1e6:,.0f} | {point.vectors / 1e6:,.0f} |"
            for point in points
        ),
        "",
    ]
    return "\n".join(lines)


def write_growth_plot(points: Sequence[Point], path: Path) -> None:
    """Plot each cost against the number of posts, in a panel of its own."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    posts = [point.posts for point in points]
    panels = {
        "a feed from a category of 2,000, p50, ms": [(1e3 * point.feed_p50) for point in points],
        "a search over all, ms": [1e3 * point.whole_search for point in points],
        "start until SERVING, s": [point.start for point in points],
        "resident memory / vectors": [point.resident / point.vectors for point in points],
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(14, 3.2), layout="constrained")
    for panel, (title, values) in zip(axes, panels.items(), strict=True):
        panel.plot(posts, values, "o-")
        panel.set_xscale("log")
        panel.set_ylim(0, 1.15 * max(values))
        panel.set_xlabel("posts")
        panel.set_title(title, fontsize=9)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _all_of(asked: Sequence[Asked], _turn: int) -> Sequence[Asked]:
    return asked


def _searches(searches: Sequence[tuple[PostIndex, Sequence[Query]]], *, rounds: int) -> list[float]:
    actions = [lambda call, index=index, queries=queries: index.search(queries[call]) for index, queries in searches]
    return in_turns(*actions, calls=USERS // 3, rounds=rounds)


def _start(root: Path, logs: Path) -> tuple[float, float]:
    """Seconds until a post index over ``root`` is SERVING, and its resident bytes then."""
    began = time.monotonic()
    with running_post_index(root, logs=logs) as started:
        seconds = time.monotonic() - began
        status = Path(f"/proc/{started.process.pid}/status").read_text(encoding="utf-8").splitlines()
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return seconds, 1024.0 * resident
