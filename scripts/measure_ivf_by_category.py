"""The table of docs/decisions/slices-not-ivf.md: FAISS's own search by category beside our slices.

    python scripts/measure_ivf_by_category.py [--posts 1000000]

FAISS's way is an IVF index with one list for each category, searched by ``search_preassigned``, so that no quantizer
chooses the list. Both ways hold the same vectors, a tenth of them duplicates, and answer the same queries in turn: the
ten best posts by user in one category, without the posts of a seen list. Times are processor time of one thread.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Matrix, Vector
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.served_posts import TEXT_FIELDS, PostTable
from post_index_service.codes import Codes, Rows, Scores, rounding_of_products
from post_index_service.index import PostIndex
from post_index_service.ranking import ByInnerProducts, InnerProduct

DIMENSION, LIMIT = 64, 10
CATEGORY_SIZES = (2_000, 20_000)
SEEN_COUNTS = (0, 30, 1_000)
CALLS, ROUNDS = 200, 5

Search = Callable[[Vector, int, Rows], Sequence[int]]  # of a user, in a category, without seen rows: the best rows


def main() -> None:
    """Measure both ways and print the tables."""
    parser = argparse.ArgumentParser(description="Measure FAISS's IVF by category beside our slices.")
    parser.add_argument("--posts", type=int, default=1_000_000, help="posts of the index (default: %(default)s)")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    posts = make_posts(options.posts)
    starts = np.searchsorted(posts.category_ids, np.arange(1, len(posts.categories) + 2))
    ways: dict[str, Search] = {}
    lines = ["| way | build, s | bytes a post |", "|---|---|---|"]

    began = time.process_time()
    Codes.of(posts.tower_embeddings)
    lines.append(f"| slices, 8 bits and exact ranking | {time.process_time() - began:.1f} | {DIMENSION} |")
    ways["slices"] = slices(posts, starts)
    for name, kind in (("IVF, float32", None), ("IVF, 8 bits", faiss.ScalarQuantizer.QT_8bit)):
        began = time.process_time()
        index = build_ivf(posts.tower_embeddings, starts, kind)
        lines.append(f"| {name} | {time.process_time() - began:.1f} | {index.code_size + 8} |")
        ways[name] = ivf(index)
        if kind is None:
            ways["IVF, float32, ranked again"] = ivf_ranked(index, posts, starts)
    lines += [
        "",
        "| category | seen | way | median, µs | p99, µs | the same ten | in the same order |",
        "|---" * 7 + "|",
    ]
    for size in CATEGORY_SIZES:
        numbers = np.flatnonzero(np.diff(starts) == size)
        for seen_count in SEEN_COUNTS:
            lines += measure(posts, starts, ways, numbers, seen_count)
    sys.stdout.write("\n".join(lines) + "\n")


def make_posts(count: int) -> IndexPosts:
    """Random unit vectors in shuffled categories of both sizes, with texts that are not used."""
    random = np.random.default_rng(0)
    large = count * 6 // 10 // CATEGORY_SIZES[1]
    small = (count - large * CATEGORY_SIZES[1]) // CATEGORY_SIZES[0]
    sizes = random.permutation([CATEGORY_SIZES[1]] * large + [CATEGORY_SIZES[0]] * small)
    category_ids = np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes)
    count = len(category_ids)
    tower = random.standard_normal((count, DIMENSION), dtype=np.float32)
    tower /= np.linalg.norm(tower, axis=1, keepdims=True)
    duplicates = np.flatnonzero(random.random(count) < 0.1)[1:]
    tower[duplicates] = tower[duplicates - 1]
    empty = dict.fromkeys(TEXT_FIELDS, [""] * count)
    post_ids = np.arange(1, count + 1, dtype=np.int64)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=tower,
        text_embeddings=np.zeros((count, 8), dtype=np.float16),
        popularity=np.zeros(count, dtype=np.float32),
        created_ms=np.full(count, UNKNOWN_MOMENT),
        posts=PostTable.from_columns(post_ids, category_ids, empty),
        categories=tuple(Category(number, str(number)) for number in range(1, len(sizes) + 1)),
    )


def slices(posts: IndexPosts, starts: Rows) -> Search:
    """The scan and the ranking that our index chooses, without the checks and the page around them."""
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=0.5, most_exact=len(posts.posts))

    def search(user: Vector, number: int, seen: Rows) -> Sequence[int]:
        span = slice(*starts[[number, number + 1]].tolist())
        _, order = index.orders.of_slice(span, user, None, None, None)
        return (span.start + order.first(LIMIT, skip=seen - span.start)[0]).tolist()  # type: ignore[no-any-return]

    return search


def build_ivf(vectors: Matrix, starts: Rows, kind: int | None) -> Any:
    """An IVF index whose list ``number`` holds the rows from ``starts[number]`` on."""
    lists = len(starts) - 1
    quantizer = faiss.IndexFlatIP(DIMENSION)
    quantizer.add(np.zeros((lists, DIMENSION), dtype=np.float32))
    index: Any
    if kind is None:
        index = faiss.IndexIVFFlat(quantizer, DIMENSION, lists, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexIVFScalarQuantizer(quantizer, DIMENSION, lists, kind, faiss.METRIC_INNER_PRODUCT, False)
    index.train(vectors)
    rows = np.arange(len(vectors))
    numbers = np.repeat(np.arange(lists), np.diff(starts))
    index.add_core(len(vectors), *(faiss.swig_ptr(array) for array in (vectors, rows, numbers)))
    return index


def search_list(index: Any, user: Vector, number: int, count: int, without: Rows) -> tuple[Rows, Scores]:
    """The ``count`` best rows of one list by FAISS, and their scores; row -1 where there are fewer."""
    parameters = faiss.SearchParametersIVF(nprobe=1)
    if len(without):
        parameters = faiss.SearchParametersIVF(nprobe=1, sel=faiss.IDSelectorNot(faiss.IDSelectorBatch(without)))
    assigned, to_centroid = np.array([[number]], dtype=np.int64), np.zeros((1, 1), dtype=np.float32)
    scores, rows = np.empty((1, count), dtype=np.float32), np.empty((1, count), dtype=np.int64)
    arrays = [faiss.swig_ptr(array) for array in (assigned, to_centroid, scores, rows)]
    # The method of Python takes no parameters, so no seen list: this is the one of C++ beneath it.
    index.search_preassigned_c(1, faiss.swig_ptr(user), count, *arrays, False, parameters)
    return rows[0], scores[0]


def ivf(index: Any) -> Search:
    """FAISS alone."""
    return lambda user, number, seen: search_list(index, user, number, LIMIT, seen)[0].tolist()


@dataclass(frozen=True, slots=True)
class IvfScan:
    """A scan by FAISS's list, in place of ours: its scores and the exact ones differ by less than ``error``."""

    index: Any
    user: Vector
    number: int
    start: int
    error: float

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """Fetch as many rows as a dense scan does."""
        rows, scores = search_list(self.index, self.user, self.number, count + 16, self.start + skip)
        bound = float(scores[-1]) + self.error if rows[-1] >= 0 else -np.inf
        return rows[rows >= 0] - self.start, bound


def ivf_ranked(index: Any, posts: IndexPosts, starts: Rows) -> Search:
    """FAISS's list, ranked by our exact scores: equal answers."""
    error = rounding_of_products(posts.tower_embeddings)

    def search(user: Vector, number: int, seen: Rows) -> Sequence[int]:
        span = slice(*starts[[number, number + 1]].tolist())
        scan = IvfScan(index, user, number, span.start, error)
        product = InnerProduct(posts.tower_embeddings[span], user)
        order = ByInnerProducts(scan, (product,), posts.post_ids[span])
        return (span.start + order.first(LIMIT, skip=seen - span.start)[0]).tolist()  # type: ignore[no-any-return]

    return search


def measure(
    posts: IndexPosts, starts: Rows, ways: dict[str, Search], numbers: NDArray[np.int64], seen_count: int
) -> list[str]:
    """One line of the table for each way, in categories of one size."""
    random = np.random.default_rng(seen_count)
    users = random.standard_normal((CALLS, DIMENSION), dtype=np.float32)
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    asked = random.permutation(np.resize(numbers, CALLS)).tolist()
    seen = [np.sort(random.choice(np.arange(*starts[[n, n + 1]]), seen_count, replace=False)) for n in asked]
    right = [exact(posts, starts, *query) for query in zip(users, asked, seen, strict=True)]
    size = int(starts[asked[0] + 1] - starts[asked[0]])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[Sequence[int]]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):  # the first one warms up
        for name, search in ways.items():
            answers = []
            for query in zip(users, asked, seen, strict=True):
                began = time.thread_time()
                answers.append(search(*query))
                if turn:
                    seconds[name].append(time.thread_time() - began)
            found[name] = answers
    lines = []
    for name in ways:
        median, p99 = 1e6 * np.quantile(seconds[name], (0.5, 0.99))
        same = np.mean([set(one) == set(other) for one, other in zip(found[name], right, strict=True)])
        ordered = np.mean([tuple(one) == tuple(other) for one, other in zip(found[name], right, strict=True)])
        lines.append(f"| {size:,} | {seen_count:,} | {name} | {median:.0f} | {p99:.0f} | {same:.3f} | {ordered:.3f} |")
    return lines


def exact(posts: IndexPosts, starts: Rows, user: Vector, number: int, seen: Rows) -> Sequence[int]:
    """The ten best rows by brute force, ties to the smaller post id."""
    rows = np.setdiff1d(np.arange(starts[number], starts[number + 1]), seen)
    scores = np.einsum("rd,d->r", posts.tower_embeddings[rows], user)
    best: list[int] = rows[np.lexsort((posts.post_ids[rows], -scores))[:LIMIT]].tolist()
    return best


if __name__ == "__main__":
    main()
