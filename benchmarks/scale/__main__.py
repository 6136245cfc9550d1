"""Milvus beside our own index on the same posts and queries: load time, memory, times of a search, recall.

    python -m benchmarks.scale [--posts 100000] [--dimensions 64 448] [--indexes FLAT IVF_FLAT HNSW]

Of a dimension of 448, 64 are the tower's and 384 the text's; of another one all are the tower's, but for 8 of the text.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.milvus_process import MilvusProcess
from benchmarks.scale.posts import made_posts, queries
from bundle.index_posts import IndexPosts
from post_collection.checks import opened
from post_collection.filling import IndexForm, drop, fill
from post_collection.form import IndexKind
from post_collection.server import Server
from post_index_service.index import PostIndex
from post_index_service.milvus.engine import EngineOfCollection
from post_index_service.query import Query

BUNDLE_ID = "b" * 64
_WARM = 5
_MB = 1e6

Row = dict[str, Any]


def main() -> None:
    """Measure and print a table; the last lines are the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[64, 448])
    parser.add_argument("--indexes", nargs="+", default=["FLAT", "IVF_FLAT", "HNSW"], choices=list(IndexKind))
    parser.add_argument("--queries", type=int, default=60)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, MilvusProcess(Path(name)) as milvus:
        for dimension in options.dimensions:
            posts = made_posts(options.posts, dimension)
            rows += _measured(posts, milvus, dimension, options.indexes, options.queries)
    print(json.dumps(rows, indent=1))


def _measured(
    posts: IndexPosts, milvus: MilvusProcess, dimension: int, indexes: Sequence[str], count: int
) -> list[Row]:
    started = time.monotonic()
    own = PostIndex(posts, bundle_id=BUNDLE_ID, user_weight=0.5, most_exact=len(posts.posts))
    rows = [_row("own, exact", posts, dimension, time.monotonic() - started, 0.0)]
    asked = queries(own, posts, count)
    truth = {kind: [_numbers(own, query) for query in some] for kind, some in asked.items()}
    rows[0] |= _searched(own, asked, truth)
    _print(rows[0])
    server = Server(milvus.uri)
    for kind in indexes:
        before = milvus.resident_bytes()
        name = f"measured_{kind.lower()}_{dimension}"
        started = time.monotonic()
        lists = max(16, int(4 * np.sqrt(len(posts.posts))))
        fill(server, name, posts, form=IndexForm(IndexKind(kind), lists=min(lists, 4_096)), progress=lambda *_: None)
        seconds = time.monotonic() - started
        reads = [0] if kind != "IVF_FLAT" else [0, 32]
        for read in reads:
            collection = opened(server, name, count=len(posts.posts), read=read)
            index = PostIndex(
                posts,
                bundle_id=BUNDLE_ID,
                user_weight=0.5,
                most_dense=0,
                engine=EngineOfCollection(collection),
            )
            label = f"Milvus {kind}" + (f", {read} lists" if read else "")
            label += ", exact" if collection.effort.is_exact else ", fast"
            grown = milvus.resident_bytes() - before
            row = _row(label, posts, dimension, seconds, grown / _MB) | _searched(index, asked, truth)
            rows.append(row)
            _print(row)
        drop(server, name)
    return rows


def _row(engine: str, posts: IndexPosts, dimension: int, seconds: float, grown: float) -> Row:
    return {
        "engine": engine,
        "posts": len(posts.posts),
        "dimension": dimension,
        "load_s": round(seconds, 1),
        "server_mb": round(grown),
    }


def _searched(index: PostIndex, asked: dict[str, list[Query]], truth: dict[str, list[Sequence[float]]]) -> Row:
    row: Row = {}
    for kind, some in asked.items():
        for query in some[:_WARM]:
            index.search(_of(query))
        times, found = [], 0.0
        for query, numbers in zip(some, truth[kind], strict=True):
            started = time.perf_counter()
            result = index.search(_of(query))
            times.append(time.perf_counter() - started)
            found += float(np.mean([number >= numbers[-1] - 1e-5 for number in result.ranking_scores]))
        row[f"{kind}_p50_ms"] = round(1e3 * float(np.percentile(times, 50)), 2)
        row[f"{kind}_p99_ms"] = round(1e3 * float(np.percentile(times, 99)), 2)
        row[f"{kind}_recall"] = round(found / len(some), 4)
    return row


def _numbers(index: PostIndex, query: Query) -> Sequence[float]:
    return index.search(query).ranking_scores


def _of(query: Query) -> Query:
    """The query with nobody who waits for an answer of a second: slow searches are measured as well."""
    return query._replace(seconds=2.0)


def _print(row: Row) -> None:
    print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
