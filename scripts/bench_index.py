"""Measure the post index at scale, each search beside what the machine allows: `make bench` prints the table.

Vectors are random unit vectors, the worst case for rounding; categories have Zipf sizes where the row says so. Each
ratio is a median of medians, of rounds in which the search and what it is measured against take turns.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np

from pipeline.publish import write_and_publish
from post_index_service.index import PostIndex, Query
from post_index_service.loading import load
from two_tower.bundle import Canary, Manifest, current_bundle, open_bundle
from two_tower.bundle_files import CanaryEmbeddings, Category, IndexPosts
from two_tower.embedding_space import Embedding, EmbeddingSpace, Matrix
from two_tower.served_posts import ServedPosts

TOWER_DIMENSION, TEXT_DIMENSION = 64, 384
USER_WEIGHT = 0.5
ROUNDS = 7
STARTS = 3
LIMIT = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a measured value beside its floor, in the same unit, and the goal for their ratio."""

    what: str
    measured: float
    beside: float
    unit: str
    goal: str
    floor: str

    @property
    def ratio(self) -> float:
        """Measured by floor."""
        return self.measured / self.beside if self.beside else float("nan")


def unit_rows(random: np.random.Generator, count: int, dimension: int) -> Matrix:
    """Random directions, float32 [count, dimension]."""
    rows = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 50_000):
        block = random.standard_normal((min(50_000, count - start), dimension), dtype=np.float32)
        rows[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return rows


def make_posts(category_sizes: Iterable[int], *, seed: int = 0) -> IndexPosts:
    """Posts in categories 1, 2, … of the given sizes, with texts as long as real ones."""
    sizes = list(category_sizes)
    count = sum(sizes)
    random = np.random.default_rng(seed)
    category_ids = np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes)
    post_ids = random.permutation(4 * count)[:count].astype(np.int64)
    post_ids = post_ids[np.lexsort((post_ids, category_ids))]
    text = np.empty((count, TEXT_DIMENSION), dtype=np.float16)
    for start in range(0, count, 50_000):
        text[start : start + 50_000] = unit_rows(random, min(50_000, count - start), TEXT_DIMENSION)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=unit_rows(random, count, TOWER_DIMENSION),
        text_embeddings=text,
        popularity=random.random(count, dtype=np.float32),
        posts=ServedPosts.from_columns(
            post_ids,
            category_ids,
            {
                "video_link": [f"https://video.example.com/posts/{number}/index.m3u8" for number in post_ids],
                "title": [f"what happened on day {number % 1000} of the year" for number in post_ids],
                "thumbnail_url": [f"https://image.example.com/{number}.jpg" for number in post_ids],
                "owner_username": [f"person{number % 50_000}" for number in post_ids],
            },
        ),
        categories=tuple(Category(number, f"category {number}") for number in range(1, len(sizes) + 1)),
    )


def zipf_sizes(count: int, categories: int) -> list[int]:
    """Sizes that fall as 1/rank and sum to ``count``."""
    shares = 1 / np.arange(1, categories + 1)
    sizes = np.maximum(1, (count * shares / shares.sum()).astype(int))
    sizes[0] += count - sizes.sum()
    return [int(size) for size in sizes]


def in_turns(*actions: Callable[[int], object], calls: int) -> list[float]:
    """Median seconds a call of each action, taking turns over rounds; an action gets the number of the call."""
    medians: list[list[float]] = [[] for _ in actions]
    for _ in range(ROUNDS):
        for action, found in zip(actions, medians, strict=True):
            seconds = []
            for call in range(calls):
                started = time.perf_counter()
                action(call)
                seconds.append(time.perf_counter() - started)
            found.append(float(np.median(seconds)))
    return [float(np.median(found)) for found in medians]


def read_once(rows: np.ndarray) -> object:
    """A pass over the bytes that does next to nothing with them: what memory allows."""
    return np.bitwise_or.reduce(rows.reshape(-1).view(np.uint64))


def embeddings(space: EmbeddingSpace, count: int, seed: int) -> list[Embedding]:
    """Random queries."""
    return [Embedding(space, row) for row in unit_rows(np.random.default_rng(seed), count, space.dimension)]


def search_rows(posts: IndexPosts, category_size: int, calls: int) -> list[Row]:
    """Goals a, b and c, on one index whose categories all have one size."""
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT)
    users, moods = embeddings(index.tower_space, 97, 1), embeddings(index.text_space, 97, 2)
    count, categories = len(posts.posts), len(posts.categories)
    places = [slice(number * category_size, (number + 1) * category_size) for number in range(categories)]

    def category(call: int) -> Query:
        return Query(user=users[call % 97], category_id=1 + call % categories, limit=LIMIT)

    a = in_turns(
        lambda call: index.search(category(call)),
        lambda call: read_once(posts.tower_embeddings[places[call % categories]]),
        calls=calls,
    )
    b_calls = max(3, calls // 10)
    flat = faiss.IndexFlatIP(TOWER_DIMENSION)
    flat.add(posts.tower_embeddings)
    b = in_turns(
        lambda call: index.search(Query(user=users[call % 97], limit=LIMIT)),
        lambda call: flat.search(users[call % 97].values[None], LIMIT),
        calls=b_calls,
    )
    recall = np.mean(
        [
            len(
                {ranked.post.post_id for ranked in index.search(Query(user=user, limit=LIMIT)).posts}
                & set(posts.post_ids[flat.search(user.values[None], LIMIT)[1][0]].tolist())
            )
            / min(LIMIT, count)
            for user in users
        ]
    )
    c = in_turns(
        lambda call: index.search(
            Query(user=users[call % 97], mood=moods[call % 97], category_id=1 + call % categories, limit=LIMIT)
        ),
        lambda call: read_once(posts.text_embeddings[places[call % categories]]),
        calls=calls,
    )
    size = f"{category_size:,} of {count:,}"
    return [
        Row(f"a. by user, category of {size}", 1e3 * a[0], 1e3 * a[1], "ms", "<= 1.3", "reading its vectors once"),
        Row(f"b. by user, all {count:,}", 1e3 * b[0], 1e3 * b[1], "ms", "<= 0.2", "exact float32 FAISS"),
        Row(f"b. recall@{LIMIT} of it", float(recall), 1, "", ">= 0.99", "exact float32 FAISS"),
        Row(f"c. by mood and user, category of {size}", 1e3 * c[0], 1e3 * c[1], "ms", "<= 1.5", "reading its texts"),
    ]


def growth_row(few: IndexPosts, many: IndexPosts, category_id: int, calls: int) -> Row:
    """Goal d: the same search in a category of one size, in a small index and in a large one."""
    indexes = [PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT) for posts in (many, few)]
    users = embeddings(indexes[0].tower_space, 97, 1)
    numbers = (category_id, 1)
    big, small = in_turns(
        *(
            lambda call, index=index, number=number: index.search(
                Query(user=users[call % 97], category_id=number, limit=LIMIT)
            )
            for index, number in zip(indexes, numbers, strict=True)
        ),
        calls=calls,
    )
    size = int((few.category_ids == 1).sum())
    what = f"d. by user, category of {size:,} of {len(many.posts):,}"
    return Row(what, 1e6 * big, 1e6 * small, "us", "<= 1.1", f"the same of {len(few.posts):,}")


def write(root: Path, posts: IndexPosts) -> float:
    """Write, hash, sync and publish a bundle of what the index reads; the seconds it took."""
    user = unit_rows(np.random.default_rng(3), 1, TOWER_DIMENSION)
    scores = posts.tower_embeddings @ user[0]
    best = np.lexsort((posts.post_ids, -scores))[:LIMIT]
    manifest = Manifest(
        tower_dimension=TOWER_DIMENSION,
        text_dimension=TEXT_DIMENSION,
        user_weight=USER_WEIGHT,
        tower={},
        counts={},
        offline_metrics={},
        library_versions={},
        canaries=(Canary("ana", "", None, tuple(posts.post_ids[best].tolist()), tuple(scores[best].tolist())),),
    )

    def write_files(directory: Path) -> None:
        posts.write(directory)
        CanaryEmbeddings(user, np.zeros((1, TEXT_DIMENSION), dtype=np.float32)).write(directory)

    started = time.perf_counter()
    directory = write_and_publish(root, manifest, write_files=write_files, sidecar={}, publish_it=False).directory
    IndexPosts.read(open_bundle(directory))  # what a publish checks of the index
    (root / "current").symlink_to(directory.name)
    return time.perf_counter() - started


def start(root: Path, since: float, searches: int) -> dict[str, float]:
    """Load the bundle as the service does, in this process; the seconds ``since`` it was asked for, and its memory."""
    faiss.omp_set_num_threads(1)
    index = load(open_bundle(current_bundle(root)))
    seconds = time.monotonic() - since
    found = memory()
    categories = index.categories()
    for call in range(searches):
        number = categories[call % len(categories)].category.category_id
        user, mood = embeddings(index.tower_space, 1, call)[0], embeddings(index.text_space, 1, call)[0]
        index.search(Query(user=user, mood=mood, category_id=number))
    return {"seconds": seconds, **found, "resident_after_searches": memory()["resident"]}


def memory() -> dict[str, float]:
    """Bytes of this process: resident, of them its own, and the most that was ever resident."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"resident": "VmRSS", "own": "RssAnon", "most": "VmHWM"}
    return {name: 1024.0 * int(lines[field].split()[0]) for name, field in names.items()}


def start_rows(posts: IndexPosts, place: Path | None) -> list[Row]:
    """Goals e and f: write a bundle, then load it in a process of its own."""
    root = Path(tempfile.mkdtemp(prefix="bench-index-", dir=place))
    try:
        written = write(root, posts)
        starts = []
        for _ in range(STARTS):
            command = [sys.executable, __file__, "--start", str(root), "--since", str(time.monotonic())]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            starts.append(json.loads(done.stdout))
        found = {name: float(np.median([one[name] for one in starts])) for name in starts[0]}
    finally:
        shutil.rmtree(root)
    vectors = float(posts.tower_embeddings.nbytes + posts.text_embeddings.nbytes)
    texts = float(posts.posts.text.nbytes + posts.posts.offsets.nbytes)
    giga = 1e-9
    return [
        Row("e. process to index that answers", found["seconds"], 5, "s", "<= 1", "5 s"),
        Row("e. memory when it answers", giga * found["resident"], giga * vectors, "GB", "<= 1.3", "its vectors"),
        Row("e. of it not shared", giga * found["own"], giga * vectors, "GB", "", "its vectors"),
        Row("e. most while loading", giga * found["most"], giga * vectors, "GB", "", "its vectors"),
        Row(
            "e. after 2,000 searches",
            giga * found["resident_after_searches"],
            giga * (vectors + texts),
            "GB",
            "",
            "all it maps",
        ),
        Row("f. index written, synced, verified", written, 180, "s", "<= 1", "180 s"),
    ]


def machine() -> str:
    """What the figures are of."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"faiss {faiss.__version__}, NumPy {np.__version__}, one thread a search"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=1_000_000, help="posts of the index (20,000 take seconds)")
    parser.add_argument("--category", type=int, default=20_000, help="posts of each category in goals a and c")
    parser.add_argument("--calls", type=int, default=150, help="searches a round")
    parser.add_argument("--place", type=Path, help="directory for the bundle; the system's temporary one otherwise")
    parser.add_argument("--output", type=Path, help="write the rows as JSON too")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)  # how this script calls itself
    parser.add_argument("--since", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        print(json.dumps(start(options.start, options.since, 2000)))
        return
    faiss.omp_set_num_threads(1)
    print(machine())
    categories = max(1, options.posts // options.category)
    posts = make_posts([options.category] * categories)
    rows = search_rows(posts, options.category, options.calls)
    rows += start_rows(posts, options.place)
    del posts
    few = min(2_000, options.category)
    others = zipf_sizes(max(options.posts - few, 100), 100)
    rows.append(growth_row(make_posts([few]), make_posts([*others[:50], few, *others[50:]]), 51, options.calls))
    width = max(len(row.what) for row in rows)
    print(f"{'':{width}}  {'measured':>12}  {'beside':>12}  {'ratio':>6}  goal     beside what")
    for row in rows:
        measured, beside = (f"{value:.4g} {row.unit}" for value in (row.measured, row.beside))
        print(f"{row.what:{width}}  {measured:>12}  {beside:>12}  {row.ratio:6.2f}  {row.goal:7}  {row.floor}")
    if options.output:
        document = {"machine": machine(), "rows": [asdict(row) | {"ratio": row.ratio} for row in rows]}
        options.output.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
