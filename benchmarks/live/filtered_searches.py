"""Searches under filters among a million posts beside the search without any, in one run."""

import faiss

from benchmarks.filtering import CATEGORIES, measured, passing_rows, recall, searches
from benchmarks.live.bench import Bench
from benchmarks.live.results import Found, Line, Table
from benchmarks.searching import LIMIT, USER_WEIGHT, make_posts
from bundle.index_posts import IndexPosts
from post_index_service.attributes import Attributes
from post_index_service.filters import Filters
from post_index_service.index import PostIndex

_BAR = 1.5
_GOAL_MS = 5
_EXACT = 200_000  # posts up to which a filter's answer is promised to be exact
_RECALLS = {f"where at most {_EXACT:,} posts are left or categories named": 1.0, "of the others": 0.99}
"""What is compared with brute force, and the bars; the first is of those filters that are promised to be exact."""


def measure(bench: Bench) -> Found:
    """The benchmark of filters, at its own size."""
    each = bench.pick(1_000_000, 5_000) // CATEGORIES
    rounds, calls, compared = bench.pick(5, 1), bench.pick(40, 3), bench.pick(50, 3)
    faiss.omp_set_num_threads(1)
    bench.say(f"{CATEGORIES * each:,} posts")
    posts = make_posts([each] * CATEGORIES, text_dimension=8)  # no search by user reads texts
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT)
    attributes = Attributes(posts.posts, posts.created_ms)
    cases = searches(index, posts)
    bench.say(f"{len(cases)} searches in turns, {rounds} rounds")
    figures = measured(index, cases, calls=calls, rounds=rounds)
    bench.say("brute force")
    recalls = {name: recall(index, posts, attributes, ask, calls=compared) for name, ask in cases.items()}
    plain, *filtered = figures
    base, base_p99 = figures[plain]
    is_exact = {name: _is_exact(posts, attributes, cases[name](0).filters) for name in filtered}
    slowest = max(filtered, key=lambda name: figures[name][1])
    lines = [
        Line(
            f"p50, {name}: of that without a filter",
            figures[name][0] / base,
            at_most=_BAR,
            note=f"p99 {figures[name][1] / base_p99:.2f} of that without",
        )
        for name in filtered
    ]
    lines += [
        Line("the largest p99 under a filter", figures[slowest][1], "ms", note=f"goal {_GOAL_MS} ms; {slowest}"),
        Line(
            "the largest p99 under a filter, of that without",
            figures[slowest][1] / base_p99,
            at_most=_BAR,
            note=slowest,
        ),
    ]
    for what, bar in _RECALLS.items():
        found = [recalls[name] for name in filtered if is_exact[name] == (bar == 1)]
        if found:
            lines.append(Line(f"least recall@{LIMIT} {what}", min(found), at_least=bar, note=f"{len(found)} filters"))
    rows = tuple(
        (name, f"{p50:.2f}", f"{p50 / base:.2f}", f"{p99:.2f}", f"{recalls[name]:.3f}")
        for name, (p50, p99) in figures.items()
    )
    return Found(
        how=f"{CATEGORIES * each:,} posts of random directions in {CATEGORIES} categories, searches by user for "
        f"{LIMIT} posts in processor time of their thread; medians over {rounds} rounds in turns, p99 over all of them "
        "([filtering.py](../benchmarks/filtering.py)). Recall is against brute force.",
        lines=tuple(lines),
        tables=(Table(("search", "p50, ms", "of that without", "p99, ms", "recall@10"), rows),),
    )


def _is_exact(posts: IndexPosts, attributes: Attributes, filters: Filters) -> bool:
    return bool(filters.category_ids) or len(passing_rows(posts, attributes, filters)) <= _EXACT
