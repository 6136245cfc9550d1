"""Measures searches under filters beside the search without any, in one run, with what they find beside brute force.

    python -m benchmarks.filtering [--posts 1000000] [--rounds 5]

Posts are random directions in categories of equal size. Languages leave 1 % each, moments any share, and accounts have
twenty posts each. In each round all searches take turns. A figure is the median of the rounds' medians, in processor
time of the thread that searches, which other jobs disturb less than the time of the clock; the p99 is over all rounds.
"""

import argparse
import time
from collections.abc import Callable, Mapping

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.searching import LANGUAGES, LIMIT, NEWEST_MS, TOWER_DIMENSION, USER_WEIGHT, embeddings, make_posts
from bundle.embedding_space import Embedding
from bundle.index_posts import IndexPosts
from post_index_service.attributes import Attributes
from post_index_service.filters import Filters
from post_index_service.index import PostIndex
from post_index_service.query import Query

CATEGORIES = 100
_USERS = 101
_MINUTE_MS = 60_000
Ask = Callable[[int], Query]
"""The search of a call."""


def searches(index: PostIndex, posts: IndexPosts, *, by_mood: bool = False) -> Mapping[str, Ask]:
    """The searches to measure, by name; the first has no filter."""
    users = embeddings(index.tower_space, _USERS, 1)
    moods = embeddings(index.text_space, _USERS, 2)
    count = len(posts.posts)

    def plain(call: int) -> Query:
        mood: Embedding | None = moods[call % _USERS] if by_mood else None
        return Query(user=users[call % _USERS], mood=mood, limit=LIMIT)

    def filtered(filters: Callable[[int], Filters]) -> Ask:
        return lambda call: plain(call)._replace(filters=filters(call))

    def newest(share: float, *, moves: bool) -> Callable[[int], Filters]:
        first = NEWEST_MS - int(share * count) * _MINUTE_MS
        return lambda call: Filters(created_after_ms=first + (call if moves else 0))

    def categories(share: float) -> Callable[[int], Filters]:
        number = max(2, round(share * CATEGORIES))
        return lambda call: Filters(category_ids=tuple(1 + (call + step) % CATEGORIES for step in range(number)))

    def of_languages(wanted: tuple[str, ...]) -> Callable[[int], Filters]:
        return lambda _: Filters(languages=wanted)

    cases: dict[str, Ask] = {"no filter": plain}
    for share in (0.5, 0.1, 0.01, 0.001):
        cases[f"{share:.1%} by a moment that many ask for"] = filtered(newest(share, moves=False))
        cases[f"{share:.1%} by a moment of its own"] = filtered(newest(share, moves=True))
    for number in (50, 10, 1):
        cases[f"{number / len(LANGUAGES):.1%} by languages"] = filtered(of_languages(LANGUAGES[:number]))
    for share in (0.5, 0.1, 0.02):
        cases[f"{share:.1%} by categories"] = filtered(categories(share))
    cases["without one category"] = filtered(lambda call: Filters(excluded_category_ids=(1 + call % CATEGORIES,)))
    cases["without one account"] = filtered(lambda call: Filters(excluded_owner_usernames=(f"person{call}",)))
    return cases


def measured(index: PostIndex, cases: Mapping[str, Ask], *, calls: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile of each search, in milliseconds."""
    taken: dict[str, list[list[float]]] = {name: [] for name in cases}
    for ask in cases.values():
        for call in (0, 1, 2):  # what is asked for again is remembered
            index.search(ask(call))
    call = 0
    for _ in range(rounds):
        for name in cases:
            taken[name].append([])
        for _ in range(calls):
            call += 1
            for name, ask in cases.items():
                query = ask(call)
                started = time.thread_time()
                index.search(query)
                taken[name][-1].append(1e3 * (time.thread_time() - started))
    return {
        name: (float(np.median([np.median(each) for each in found])), float(np.percentile(np.concatenate(found), 99)))
        for name, found in taken.items()
    }


def passing_rows(posts: IndexPosts, attributes: Attributes, filters: Filters) -> NDArray[np.int64]:
    """The rows of the posts that pass the filters, by brute force."""
    passes = np.ones(len(posts.posts), dtype=np.bool_)
    if filters.created_after_ms is not None:
        passes &= posts.created_ms > filters.created_after_ms
    if filters.languages:
        passes &= attributes.languages.is_any_of(filters.languages, slice(0, len(passes)))
    if filters.category_ids:
        passes &= np.isin(posts.category_ids, filters.category_ids)
    passes &= ~np.isin(posts.category_ids, filters.excluded_category_ids)
    for name in filters.excluded_owner_usernames:
        passes[attributes.owners.rows_of(name)] = False
    return np.flatnonzero(passes)


def recall(index: PostIndex, posts: IndexPosts, attributes: Attributes, ask: Ask, *, calls: int = 50) -> float:
    """The share of the best ten by brute force that a search finds."""
    found = []
    for call in range(calls):
        query = ask(call)
        assert query.user is not None
        rows = passing_rows(posts, attributes, query.filters)
        scores = posts.tower_embeddings[rows] @ query.user.values
        best = set(posts.post_ids[rows[np.argsort(-scores)[:LIMIT]]].tolist())
        shown = {item.post.post_id for item in index.search(query).posts}
        found.append(len(best & shown) / max(1, len(best)))
    return float(np.mean(found))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=40, help="searches of each kind in a round")
    parser.add_argument("--text-dimension", type=int, default=8, help="of embeddings that no search by user reads")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    sizes = [arguments.posts // CATEGORIES] * CATEGORIES
    posts = make_posts(sizes, text_dimension=arguments.text_dimension)
    started = time.thread_time()
    attributes = Attributes(posts.posts, posts.created_ms)
    print(
        f"accounts, languages and moments of {len(posts.posts):,} posts: {time.thread_time() - started:.2f} s to read"
    )
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT)
    cases = searches(index, posts)
    figures = measured(index, cases, calls=arguments.calls, rounds=arguments.rounds)
    base, _ = figures["no filter"]
    print(f"{len(posts.posts):,} posts of {TOWER_DIMENSION} dimensions, by user, the first {LIMIT}")
    for name, (median, worst) in figures.items():
        share = recall(index, posts, attributes, cases[name])
        print(f"  {name:42} {median:6.2f} ms, {median / base:5.2f} x, p99 {worst:6.2f} ms, recall {share:.3f}")


if __name__ == "__main__":
    main()
