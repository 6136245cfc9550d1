"""Measures searches of the post index at scale, beside what the machine allows and beside other engines.

The vectors are random unit vectors, the worst case for rounding. A figure is the median of the rounds' medians; in
each round a search and what it is measured against take turns.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import faiss
import numpy as np

from benchmarks.peers import measure_beside
from benchmarks.rows import Row, in_turns
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle
from bundle.embedding_space import Embedding, EmbeddingSpace, Matrix
from bundle.index_posts import Category, IndexPosts
from bundle.manifest import Canary, Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import TEXT_FIELDS, PostTable
from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.mood_balance import TYPICAL_MOODS, balance
from pipeline.publish import write_and_publish
from post_index_service.index import PostIndex
from post_index_service.query import Query

TOWER_DIMENSION, TEXT_DIMENSION = 64, 384
USER_WEIGHT = 0.5
NEWEST_MS = 1_790_000_000_000
"""When the newest post was made; the others a minute apart, in no order."""
LANGUAGES = tuple(f"l{number}" for number in range(100))
LIMIT = 10
_QUERIES = 97  # users and moods; prime, so that they meet every category in turn


def unit_rows(random: np.random.Generator, count: int, dimension: int) -> Matrix:
    """Random directions, float32 [count, dimension]."""
    rows = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 50_000):
        block = random.standard_normal((min(50_000, count - start), dimension), dtype=np.float32)
        rows[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return rows


def make_posts(category_sizes: Iterable[int], *, seed: int = 0, text_dimension: int = TEXT_DIMENSION) -> IndexPosts:
    """Posts in categories 1, 2, … of the given sizes, with text fields of realistic length."""
    sizes = list(category_sizes)
    count = sum(sizes)
    random = np.random.default_rng(seed)
    category_ids = np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes)
    post_ids = random.permutation(4 * count)[:count].astype(np.int64)
    post_ids = post_ids[np.lexsort((post_ids, category_ids))]
    text = np.empty((count, text_dimension), dtype=np.float16)
    for start in range(0, count, 50_000):
        text[start : start + 50_000] = unit_rows(random, min(50_000, count - start), text_dimension)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=unit_rows(random, count, TOWER_DIMENSION),
        text_embeddings=text,
        popularity=random.random(count, dtype=np.float32),
        created_ms=NEWEST_MS - random.permutation(count) * 60_000,
        posts=PostTable.from_columns(
            post_ids,
            category_ids,
            {
                "video_link": [f"https://video.example.com/posts/{number}/index.m3u8" for number in post_ids],
                "title": [f"what happened on day {number % 1000} of the year" for number in post_ids],
                "thumbnail_url": [f"https://image.example.com/{number}.jpg" for number in post_ids],
                "owner_username": [f"person{number % 50_000}" for number in post_ids],
                "external_id": [""] * count,
                "language": [LANGUAGES[number % len(LANGUAGES)] for number in post_ids],
            },
        ),
        categories=tuple(Category(number, f"category {number}") for number in range(1, len(sizes) + 1)),
    )


def read_once(rows: np.ndarray) -> object:
    """Read every byte once and do next to nothing with it: the floor that memory bandwidth sets."""
    return np.bitwise_or.reduce(rows.reshape(-1).view(np.uint64))


def embeddings(space: EmbeddingSpace, count: int, seed: int) -> list[Embedding]:
    """Random queries: ``count`` unit vectors of the space."""
    return [Embedding(space, row) for row in unit_rows(np.random.default_rng(seed), count, space.dimension)]


def search_rows(posts: IndexPosts, category_size: int, *, calls: int, rounds: int) -> list[Row]:
    """Searches of one index whose categories all have ``category_size`` posts, each beside its floor or an engine.

    ``calls`` is the number of searches a round in a category; over all posts there are a tenth as many.
    """
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT)
    flat = faiss.IndexFlatIP(TOWER_DIMENSION)
    flat.add(posts.tower_embeddings)
    users, moods = embeddings(index.tower_space, _QUERIES, 1), embeddings(index.text_space, _QUERIES, 2)
    count, categories = len(posts.posts), len(posts.categories)

    def user(call: int) -> Embedding:
        return users[call % _QUERIES]

    def category_id(call: int) -> int:
        return 1 + call % categories

    def rows_of_category(call: int) -> slice:
        first = (category_id(call) - 1) * category_size
        return slice(first, first + category_size)

    def by_user(call: int) -> object:
        return index.search(Query(user=user(call), category_id=category_id(call), limit=LIMIT))

    def by_user_over_all(call: int) -> list[int]:
        return [ranked.post.post_id for ranked in index.search(Query(user=user(call), limit=LIMIT)).posts]

    def flat_over_all(call: int) -> list[int]:
        rows = flat.search(user(call).values[None], LIMIT)[1][0]
        found: list[int] = posts.post_ids[rows].tolist()
        return found

    def by_mood_and_user(call: int) -> object:
        mood = moods[call % _QUERIES]
        return index.search(Query(user=user(call), mood=mood, category_id=category_id(call), limit=LIMIT))

    def read_vectors(call: int) -> object:
        return read_once(posts.tower_embeddings[rows_of_category(call)])

    def read_texts(call: int) -> object:
        return read_once(posts.text_embeddings[rows_of_category(call)])

    over_all_calls = max(3, calls // 10)
    by_user_seconds, vectors_seconds = in_turns(by_user, read_vectors, calls=calls, rounds=rounds)
    all_seconds, flat_seconds = in_turns(by_user_over_all, flat_over_all, calls=over_all_calls, rounds=rounds)
    mood_seconds, texts_seconds = in_turns(by_mood_and_user, read_texts, calls=calls, rounds=rounds)
    recall = overlap(
        np.array([by_user_over_all(call) for call in range(_QUERIES)]),
        np.array([flat_over_all(call) for call in range(_QUERIES)]),
    )
    size = f"{category_size:,} of {count:,}"
    ms = 1e3
    return [
        Row(
            f"by user, category of {size}",
            ms * by_user_seconds,
            ms * vectors_seconds,
            "ms",
            "reading its vectors once",
            at_most=1.3,
        ),
        Row(
            f"by user, all {count:,}",
            ms * flat_seconds,
            ms * all_seconds,
            "ms",
            "ours; measured: exact float32 FAISS",
            at_least=5,
        ),
        Row("recall@10 of that", recall, 1, "", "exact float32 FAISS", at_least=0.99),
        Row(
            f"by mood and user, category of {size}",
            ms * mood_seconds,
            ms * texts_seconds,
            "ms",
            "reading its texts",
            at_most=1.5,
        ),
    ]


def peer_rows(count: int, category_size: int, *, queries: int, rounds: int) -> list[Row]:
    """Searches by user in other engines beside ours, over all posts and in the first category, with their recall."""
    posts = make_posts([category_size] * (count // category_size))
    index = PostIndex(posts, bundle_id="0" * 64, user_weight=USER_WEIGHT)
    users = embeddings(index.tower_space, queries, 5)
    rows = []
    with TemporaryDirectory(prefix="moodfeed-peers-") as name:
        directory = Path(name)
        np.save(directory / "vectors.npy", posts.tower_embeddings)
        np.save(directory / "queries.npy", np.stack([user.values for user in users]))
        np.save(directory / "category.npy", np.array([0, category_size]))
        for kind, number, title in (("", None, f"all {count:,}"), ("-category", 1, f"{category_size:,} of {count:,}")):
            part = posts.tower_embeddings[: category_size if number else count]
            exact = np.argsort(-(np.stack([user.values for user in users]) @ part.T), axis=1)[:, :LIMIT]
            asked = [Query(user=user, category_id=number, limit=LIMIT) for user in users]
            ours, peers = measure_beside(
                [f"{peer}{kind}" for peer in ("hnswlib", "usearch", "milvus-lite")],
                directory,
                partial(_ask, index, asked),
                count=queries,
                rounds=rounds,
            )
            for peer in peers:
                note = peer.cannot or (
                    f"recall {overlap(peer.found, exact):.3f}, built in {peer.build_seconds:.1f} s; ours is exact"
                )
                rows.append(Row(f"{peer.name}, {title}", 1e3 * peer.seconds, 1e3 * ours, "ms", "ours", note=note))
    return rows


def _ask(index: PostIndex, queries: list[Query], call: int) -> object:
    return index.search(queries[call])


def overlap(found: np.ndarray | None, exact: np.ndarray) -> float:
    """The mean share of each row of ``exact`` that is in the same row of ``found``; NaN without ``found``."""
    if found is None:
        return float("nan")
    shares = [len(set(one.tolist()) & set(two.tolist())) / len(two) for one, two in zip(found, exact, strict=True)]
    return float(np.mean(shares))


def export_row(posts: IndexPosts, limit_seconds: float) -> Row:
    """The time to export and publish when embeddings are given: pack texts, balance, write, sync, hash, read back."""
    root = Path(mkdtemp(prefix="moodfeed-export-"))
    columns: dict[str, Iterable[str]] = {name: [getattr(post, name) for post in posts.posts] for name in TEXT_FIELDS}
    started = time.perf_counter()
    try:
        packed = PostTable.from_columns(posts.post_ids, posts.category_ids, columns)
        moods = TorchEncoder(default_encoder_directory()).encode(TYPICAL_MOODS, batch_size=1)
        balance(posts, unit_rows(np.random.default_rng(4), 1_000, TOWER_DIMENSION), moods)
        write(root, replace(posts, posts=packed))
        seconds = time.perf_counter() - started
    finally:
        shutil.rmtree(root)
    what = f"export and publish of {len(posts.posts):,} posts, embeddings given"
    return Row(what, seconds, limit_seconds, "s", f"{limit_seconds:g} s", at_most=1.0)


def write(root: Path, posts: IndexPosts) -> None:
    """Write, hash, sync and publish a bundle that holds only what the index reads."""
    user = unit_rows(np.random.default_rng(3), 1, TOWER_DIMENSION)
    scores = posts.tower_embeddings @ user[0]
    best = np.lexsort((posts.post_ids, -scores))[:LIMIT]
    manifest = Manifest(
        tower_dimension=TOWER_DIMENSION,
        text_dimension=TEXT_DIMENSION,
        max_tokens=128,
        user_weight=USER_WEIGHT,
        tower={},
        counts={},
        offline_metrics={},
        library_versions={},
        canaries=(Canary("ana", "", None, tuple(posts.post_ids[best].tolist()), tuple(scores[best].tolist())),),
    )

    def write_files(directory: Path) -> None:
        posts.write(directory)
        PostTrends.none(len(posts.posts)).write(directory)
        PostSteps.none(len(posts.posts)).write(directory)
        CanaryEmbeddings(user, np.zeros((1, TEXT_DIMENSION), dtype=np.float32)).write(directory)

    directory = write_and_publish(root, manifest, write_files=write_files, sidecar={}, publish_it=False).directory
    IndexPosts.read(open_bundle(directory))  # as a publish does to check it
    (root / "current").symlink_to(directory.name)
