"""Milvus beside our own index on the same posts and queries: load time, memory, times of a search, recall.

    python -m benchmarks.scale [--posts 100000] [--dimensions 64 448] [--indexes FLAT IVF_FLAT HNSW] [--directory DIR]

Of a dimension of 448, 64 are the tower's and 384 the text's; of another one all are the tower's, but for 8 of the text.
With a directory, the server's data stay there: a run that stopped goes on, and another run measures what is loaded.
An index that may miss posts is measured with the least effort that finds enough on queries of its own.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss

from benchmarks.milvus_process import MilvusProcess
from benchmarks.scale.adjustable_engine import AdjustableEngine
from benchmarks.scale.milvus_loading import (
    NAME,
    Loaded,
    bring_index,
    in_order,
    load_into_memory,
    write_posts,
)
from benchmarks.scale.posts import KINDS, made_posts, queries
from benchmarks.scale.searches import DEPTHS, Asked, Figures, Truth, figures, recall, true_numbers
from bundle.index_posts import IndexPosts
from post_collection.checks import opened
from post_collection.filling import IndexForm
from post_collection.form import IndexKind
from post_collection.server import Server
from post_index_service.index import PostIndex

BUNDLE_ID = "b" * 64
EFFORTS = {IndexKind.IVF_FLAT: (8, 16, 32, 64, 128, 256), IndexKind.HNSW: (1_024, 2_048, 4_096)}
"""What is tried: lists that are read, and candidates; from 1,024 on, as our engine asks for so many hits."""
TARGET = 0.95
"""The recall of 100 that an effort has to reach, in the worst kind of searches."""
_FROM_FILES = 500_000  # posts: so many are loaded by bulk insert
_CALIBRATION, _REPORT = 11, 7  # seeds
_CALIBRATION_QUERIES = 20
_SETTINGS = {
    "rocksmq.retentionTimeInMinutes": "5",
    "rocksmq.retentionSizeInMB": "256",
    "dataCoord.gc.interval": "60",
    "dataCoord.gc.missingTolerance": "600",
    "dataCoord.gc.dropTolerance": "60",
    "log.level": "warn",
}
"""So that a disk holds each vector twice, and not the server's log of it: its posts and the index."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine over one set of posts."""

    engine: str
    posts: int
    dimension: int
    load: float
    """Seconds to write the posts, or to make our own index."""
    index: float
    """Seconds to build the index."""
    start: float
    """Seconds until a server that starts again has loaded the collection."""
    memory: float
    """MB resident of the server."""
    kinds: dict[str, Figures]


def main() -> None:
    """Measure and print tables; the last lines are the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[64, 448])
    parser.add_argument("--indexes", nargs="+", default=["FLAT", "IVF_FLAT", "HNSW"], choices=list(IndexKind))
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--directory", type=Path, help="where the server's data stay; by default they are deleted")
    parser.add_argument("--only-load", action="store_true", help="write the posts and build the first index")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    rows: list[Row] = []
    with ExitStack() as stack:
        root = options.directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for dimension in options.dimensions:
            case = _Case(root / f"{options.posts}x{dimension}", options.posts, dimension)
            rows += case.measured(
                [IndexKind(name) for name in options.indexes], options.queries, only_load=options.only_load
            )
            print(as_markdown(rows), flush=True)
    print(json.dumps([asdict(row) for row in rows]))


def as_markdown(rows: Sequence[Row]) -> str:
    """The tables of docs/milvus.md."""
    lines = ["| engine | posts | write, s | index, s | start, s | server, MB |", "|---" * 6 + "|"]
    lines += [
        f"| {row.engine} | {row.posts:,} × {row.dimension} | {row.load:,.0f} | {row.index:,.0f} | {row.start:,.0f} | "
        f"{row.memory:,.0f} |"
        for row in rows
    ]
    lines += ["", "| p50 / p99, ms | posts | " + " | ".join(KINDS) + " |", "|---" * (2 + len(KINDS)) + "|"]
    for row in rows:
        cells = (f"{item.p50:.3g} / {item.p99:.3g}" for item in row.kinds.values())
        lines.append(f"| {row.engine} | {row.posts:,} × {row.dimension} | " + " | ".join(cells) + " |")
    shown = " / ".join(f"@{depth}" for depth in DEPTHS)
    lines += ["", f"| recall {shown} | posts | " + " | ".join(KINDS) + " |", "|---" * (2 + len(KINDS)) + "|"]
    for row in rows:
        cells = (" / ".join(f"{share:.3f}" for share in item.recall.values()) for item in row.kinds.values())
        lines.append(f"| {row.engine} | {row.posts:,} × {row.dimension} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


class _Case:
    """Posts of one number and dimension."""

    def __init__(self, directory: Path, count: int, dimension: int) -> None:
        self._directory, self._count, self._dimension = directory, count, dimension
        directory.mkdir(parents=True, exist_ok=True)
        self._loaded = Loaded.read(directory / "loaded.json")
        self._began = time.monotonic()

    def measured(self, indexes: list[IndexKind], count: int, *, only_load: bool) -> list[Row]:
        """Our own index, and each of Milvus in a server that was started for it."""
        posts = made_posts(self._count, self._dimension)
        self._say("posts made")
        self._load(posts, indexes)
        if only_load:
            return []
        started = time.monotonic()
        own = PostIndex(posts, bundle_id=BUNDLE_ID, user_weight=0.5, most_exact=len(posts.posts))
        seconds = time.monotonic() - started
        self._say("own index made")
        report = queries(own, posts, count, seed=_REPORT)
        calibration = queries(own, posts, _CALIBRATION_QUERIES, seed=_CALIBRATION)
        truths = true_numbers(own, report), true_numbers(own, calibration)
        rows = [self._row("own, exact", (seconds, 0, 0, 0), figures(own, report, truths[0]))]
        del own
        engine = AdjustableEngine()
        index = PostIndex(posts, bundle_id=BUNDLE_ID, user_weight=0.5, most_dense=0, engine=engine)
        for kind in in_order(indexes, self._loaded):
            rows += self._of_index(index, engine, kind, (report, truths[0]), (calibration, truths[1]))
        return rows

    def _load(self, posts: IndexPosts, indexes: list[IndexKind]) -> None:
        if self._loaded.is_flushed and self._loaded.index:
            return
        with self._server() as milvus:
            files = self._directory / "files" if self._count >= _FROM_FILES else None
            write_posts(Server(milvus.uri), posts, self._loaded, files=files, say=self._say)
            bring_index(Server(milvus.uri), self._loaded, IndexForm(indexes[0]), say=self._say)

    def _of_index(
        self,
        index: PostIndex,
        engine: AdjustableEngine,
        kind: IndexKind,
        report: tuple[Asked, Truth],
        calibration: tuple[Asked, Truth],
    ) -> list[Row]:
        if self._loaded.index != kind:
            with self._server() as milvus:
                bring_index(Server(milvus.uri), self._loaded, IndexForm(kind), say=self._say)
        started = time.monotonic()
        with self._server() as milvus:
            server = Server(milvus.uri)
            load_into_memory(server)
            seconds, memory = time.monotonic() - started, milvus.resident_bytes() / 1e6
            engine.use(opened(server, NAME, count=self._count))
            self._say(f"{kind} is loaded")
            costs = self._loaded.seconds, self._loaded.index_seconds[kind], seconds, memory
            rows = []
            if kind is not IndexKind.HNSW:
                rows.append(self._row(f"Milvus {kind}, exact", costs, figures(index, *report)))
            if kind in EFFORTS:
                read = self._least(kind, index, engine, *calibration)
                engine.read(read)
                rows.append(self._row(f"Milvus {kind}, {read}", costs, figures(index, *report)))
            return rows

    def _least(self, kind: IndexKind, index: PostIndex, engine: AdjustableEngine, asked: Asked, truth: Truth) -> int:
        """The least effort that finds enough; the largest one if none does."""
        for read in EFFORTS[kind]:
            engine.read(read)
            found = recall(index, asked, truth, depth=DEPTHS[-1])
            self._say(f"{kind}, {read}: recall {found:.3f} of the worst kind, for the choice")
            if found >= TARGET:
                break
        return read

    def _row(self, engine: str, costs: tuple[float, float, float, float], kinds: dict[str, Figures]) -> Row:
        row = Row(engine, self._count, self._dimension, *costs, kinds)
        self._say(json.dumps(asdict(row)))
        with (self._directory / "rows.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        return row

    def _server(self) -> MilvusProcess:
        return MilvusProcess(self._directory / "milvus", settings=_SETTINGS)

    def _say(self, text: str) -> None:
        seconds = time.monotonic() - self._began
        print(f"[{self._count:,} x {self._dimension}, {seconds:.0f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
