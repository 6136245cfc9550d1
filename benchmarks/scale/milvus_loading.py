"""Fill the collection that is measured; a run that stopped goes on where it was.

Many posts are written as files that the server reads (its bulk insert), which costs this process next to nothing; few
as rows, which is what `moodfeed publish` does.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bundle.embedding_space import in_float32
from bundle.index_posts import IndexPosts
from pipeline.whole_files import write_whole_text
from post_collection.filling import (
    CALL_SECONDS,
    LOAD_SECONDS,
    IndexForm,
    block_size,
    build_index,
    create,
    drop,
    rows_of,
)
from post_collection.form import CATEGORY, CREATED, EMBEDDING, LANGUAGE, OWNER, POST_ID, IndexKind, owner_key
from post_collection.server import MilvusUnavailableError, Server

NAME = "measured"
_FILE_ROWS = 500_000
_LOOK_SECONDS, _INDEX_LOOK_SECONDS, _READY_SECONDS = 1.0, 5.0, 60.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Loaded:
    """How far a collection is filled, and what that took; kept in a file."""

    path: Path
    rows: int = 0
    begun: int = 0
    """Up to which row a write was begun: after a stop that part may be there already."""
    task: int = 0
    """The bulk insert that was begun last."""
    seconds: float = 0.0
    is_flushed: bool = False
    index: str = ""
    index_seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Loaded":
        """What the file says; nothing is loaded if there is none."""
        if not path.exists():
            return cls(path)
        return cls(path, **json.loads(path.read_text(encoding="utf-8")))

    def keep(self) -> None:
        """Write the file, whole or not at all: a run may be stopped at any moment."""
        known = {name: value for name, value in asdict(self).items() if name != "path"}
        write_whole_text(self.path, json.dumps(known))


def write_posts(server: Server, posts: IndexPosts, loaded: Loaded, *, files: Path | None, say: Say) -> None:
    """Write the posts that are not there yet; through ``files``, a directory, if it is given."""
    if loaded.is_flushed:
        return
    if not loaded.begun:
        drop(server, NAME)
        create(server, NAME, posts)
    started, before = time.monotonic(), loaded.seconds
    count = len(posts.post_ids)
    while loaded.rows < count:
        if files:
            _by_file(server, posts, loaded, files)
        else:
            _by_rows(server, posts, loaded)
        loaded.seconds = before + time.monotonic() - started
        loaded.keep()
        say(f"{loaded.rows:,} of {count:,} posts written, {loaded.seconds:.0f} s")
    server.ask("flush", NAME, seconds=LOAD_SECONDS)
    loaded.seconds, loaded.is_flushed = before + time.monotonic() - started, True
    loaded.keep()


def bring_index(server: Server, loaded: Loaded, form: IndexForm, *, say: Say) -> None:
    """Build an index, unless it is the one that is there."""
    if loaded.index == form.kind:
        return
    say(f"building {form.kind}")
    started = time.monotonic()
    begun = server.ask("describe_index", NAME, EMBEDDING, seconds=CALL_SECONDS)
    if begun and begun["index_type"] != form.kind:
        server.ask("release_collection", NAME, seconds=LOAD_SECONDS)
        server.ask("drop_index", NAME, EMBEDDING, seconds=LOAD_SECONDS)
        begun = None
    loaded.index = ""
    loaded.keep()
    if not begun:
        build_index(server, NAME, form)
    _wait_until_indexed(server, say)
    loaded.index = form.kind.value
    loaded.index_seconds[form.kind.value] = time.monotonic() - started
    loaded.keep()


def _wait_until_indexed(server: Server, say: Say) -> None:
    """Of posts that came in files, Milvus calls the index finished before it has begun; its rows say the truth."""
    while waiting := int(server.ask("describe_index", NAME, EMBEDDING, seconds=CALL_SECONDS)["pending_index_rows"]):
        say(f"{waiting:,} posts are not indexed")
        time.sleep(_INDEX_LOOK_SECONDS)


def load_into_memory(server: Server) -> None:
    """Have the server load the collection; one that has just started may refuse that for some seconds.

    MilvusUnavailableError if it still does after a minute.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            server.ask("load_collection", NAME, seconds=LOAD_SECONDS)
        except MilvusUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


def in_order(indexes: list[IndexKind], loaded: Loaded) -> list[IndexKind]:
    """The one that is there first."""
    return sorted(indexes, key=lambda kind: kind != loaded.index)


def _by_rows(server: Server, posts: IndexPosts, loaded: Loaded) -> None:
    stop = min(loaded.rows + block_size(posts), len(posts.post_ids))
    method = "upsert" if loaded.begun >= stop else "insert"
    loaded.begun = stop
    loaded.keep()
    server.ask(method, NAME, rows_of(posts, slice(loaded.rows, stop)), seconds=CALL_SECONDS)
    loaded.rows = stop


def _by_file(server: Server, posts: IndexPosts, loaded: Loaded, files: Path) -> None:
    from pymilvus import connections, utility

    connections.connect(NAME, uri=server.uri)
    try:
        if loaded.begun <= loaded.rows:
            stop = min(loaded.rows + _FILE_ROWS, len(posts.post_ids))
            loaded.task = utility.do_bulk_insert(NAME, _write_files(posts, slice(loaded.rows, stop), files), using=NAME)
            loaded.begun = stop
            loaded.keep()
        while (state := utility.get_bulk_insert_state(loaded.task, using=NAME)).state != state.ImportCompleted:
            if state.state in {state.ImportFailed, state.ImportFailedAndCleaned}:
                raise RuntimeError(f"bulk insert failed: {state.failed_reason}")
            time.sleep(_LOOK_SECONDS)
    finally:
        connections.disconnect(NAME)  # the server of the next dimension has another address
    loaded.rows = loaded.begun


def _write_files(posts: IndexPosts, block: slice, files: Path) -> list[str]:
    files.mkdir(parents=True, exist_ok=True)
    served = posts.posts.at(np.arange(block.start, block.stop))
    columns: dict[str, Any] = {
        POST_ID: posts.post_ids[block],
        CATEGORY: posts.category_ids[block].astype(np.int64),
        OWNER: np.array([owner_key(post.owner_username) for post in served], dtype=np.int64),
        LANGUAGE: np.full(block.stop - block.start, "", dtype="U2"),
        CREATED: posts.created_ms[block],
        EMBEDDING: np.concatenate(
            [posts.tower_embeddings[block].astype(np.float32), in_float32(posts.text_embeddings[block])], axis=1
        ),
    }
    for name, values in columns.items():
        np.save(files / f"{name}.npy", values)
    return [str(files / f"{name}.npy") for name in columns]
