"""Runs one peer engine in an environment of its own, driven by lines on stdin; answers in lines of JSON on stdout.

python peer_worker.py NAME DIRECTORY, under the Python of `.venv-bench`; it imports none of our packages. DIRECTORY
holds what benchmarks.peers wrote there. The first line of output is {"ready": seconds to build} or {"cannot": reason}.
For each line of input it runs all queries once and prints {"seconds": median of a query}. The rows that it found are in
DIRECTORY/NAME.npy.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

LIMIT = 10


def hnswlib_all(directory):
    """HNSW over all vectors."""
    import hnswlib

    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.set_num_threads(2)
    index.add_items(vectors)
    index.set_num_threads(1)
    index.set_ef(200)
    return lambda row: index.knn_query(queries[row], k=LIMIT, num_threads=1)[0][0]


def hnswlib_category(directory):
    """HNSW with a filter that admits one category."""
    import hnswlib

    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")
    first, last = np.load(directory / "category.npy").tolist()
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=200, M=16)
    index.set_num_threads(2)
    index.add_items(vectors)
    index.set_ef(200)

    def is_in(label):
        return first <= label < last

    return lambda row: index.knn_query(queries[row], k=LIMIT, num_threads=1, filter=is_in)[0][0]


def usearch_all(directory):
    """The HNSW of usearch over all vectors."""
    from usearch.index import Index

    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")
    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=16, expansion_add=200)
    index.expansion_search = 200
    index.add(np.arange(len(vectors)), vectors, threads=2)
    return lambda row: index.search(queries[row], LIMIT, threads=1).keys


def usearch_category(directory):
    """Usearch's exact search in the slice of one category."""
    from usearch.index import MetricKind, search

    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")
    first, last = np.load(directory / "category.npy").tolist()
    part = np.ascontiguousarray(vectors[first:last])
    return lambda row: search(part, queries[row], LIMIT, MetricKind.IP, exact=True, threads=1).keys + first


def milvus(directory, expression):
    """A flat collection in a file."""
    from pymilvus import DataType, MilvusClient

    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")
    first, last = np.load(directory / "category.npy").tolist()
    client = MilvusClient(str(directory / f"milvus{bool(expression)}.db"))
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("category", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    parameters = client.prepare_index_params()
    parameters.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_collection("posts", schema=schema, index_params=parameters)
    for start in range(0, len(vectors), 5_000):
        block = vectors[start : start + 5_000]
        client.insert(
            "posts",
            [
                {"id": start + row, "category": int(first <= start + row < last), "vector": vector}
                for row, vector in enumerate(block.tolist())
            ],
        )
    client.load_collection("posts")

    def ask(row):
        found = client.search("posts", [queries[row].tolist()], limit=LIMIT, filter=expression)
        return np.array([hit["id"] for hit in found[0]])

    return ask


def numpy_all(directory):
    """Computes all scores with NumPy and takes the best: no engine at all."""
    vectors, queries = np.load(directory / "vectors.npy"), np.load(directory / "queries.npy")

    def ask(row):
        scores = vectors @ queries[row]
        best = np.argpartition(scores, -LIMIT)[-LIMIT:]
        return best[np.argsort(-scores[best])]

    return ask


PEERS = {
    "numpy": numpy_all,
    "hnswlib": hnswlib_all,
    "hnswlib-category": hnswlib_category,
    "usearch": usearch_all,
    "usearch-category": usearch_category,
    "milvus-lite": lambda directory: milvus(directory, ""),
    "milvus-lite-category": lambda directory: milvus(directory, "category == 1"),
}


def main():
    """Build the index, then answer until stdin ends."""
    name, directory = sys.argv[1], Path(sys.argv[2])
    say, sys.stdout = sys.stdout, sys.stderr  # a peer may print to stdout
    started = time.perf_counter()
    try:
        ask = PEERS[name](directory)
        count = int((directory / "count").read_text(encoding="utf-8"))
        found = [np.asarray(ask(row)) for row in range(count)]
        rows = np.full((count, max(map(len, found))), -1, dtype=np.int64)
        for row, one in enumerate(found):
            rows[row, : len(one)] = one
        np.save(directory / f"{name}.npy", rows)
    except Exception as error:  # noqa: BLE001 - the report gives the reason
        print(json.dumps({"cannot": f"{type(error).__name__}: {error}"[:300]}), file=say, flush=True)
        return
    print(json.dumps({"ready": time.perf_counter() - started}), file=say, flush=True)
    for _ in sys.stdin:
        seconds = []
        for row in range(count):
            began = time.perf_counter()
            ask(row)
            seconds.append(time.perf_counter() - began)
        print(json.dumps({"seconds": float(np.median(seconds))}), file=say, flush=True)


if __name__ == "__main__":
    main()
