"""What each file of a bundle holds, typed: the one place where its arrays are named.

Arrays lie in safetensors, texts in JSON lines, the texts of posts in one file of UTF-8. No file needs torch, pandas or
pickle to be read.
"""

import mmap
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from two_tower.bundle import MANIFEST_NAME, Bundle, BundleError
from two_tower.embedding_space import HalfMatrix, Matrix, in_float32
from two_tower.features import VERBS
from two_tower.served_posts import TEXT_FIELDS, ServedPosts

INDEX_ARRAYS = "index.safetensors"
INDEX_POSTS = "index_posts.utf8"
CATEGORIES = "categories.jsonl"
HISTORY_POSTS = "history_posts.safetensors"
USER_ARRAYS = "users.safetensors"
USERNAMES = "usernames.jsonl"
CANARIES = "canaries.safetensors"
USER_TOWER = "user_tower.safetensors"
POST_TOWER = "post_tower.safetensors"
WORDS = "words.jsonl"
MOOD_ENCODER = "mood_encoder"
EVALUATION = "evaluation.json"
REPORT = "report/report.html"


@dataclass(frozen=True, slots=True)
class Category:
    """A category by its number, at least 1, and its name."""

    category_id: int
    name: str


@dataclass(frozen=True, slots=True)
class IndexPosts:
    """All servable posts, ascending by (category_id, post_id), so that a category is a slice.

    ``post_ids`` int64 [posts], ``category_ids`` int32 [posts], ``tower_embeddings`` float32 and ``text_embeddings``
    float16 [posts, dimension] with unit rows, ``popularity`` float32 [posts] in 0..1. The text embedding is what a mood
    is compared with: that of the post's mood, and all zeros for a post without words; half precision is what it is
    stored, ranked and proven in.
    """

    post_ids: NDArray[np.int64]
    category_ids: NDArray[np.int32]
    tower_embeddings: Matrix
    text_embeddings: HalfMatrix
    popularity: NDArray[np.float32]
    posts: ServedPosts
    categories: tuple[Category, ...]

    def write(self, directory: Path) -> None:
        """Write the three files of the index."""
        _write_arrays(
            directory / INDEX_ARRAYS,
            {"text_offsets": self.posts.offsets}
            | {name: getattr(self, name) for name in _INDEX_DTYPES if name != "text_offsets"},
        )
        (directory / INDEX_POSTS).write_bytes(self.posts.text.data)
        _write_lines(directory / CATEGORIES, self.categories)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Map the files and check shapes, types, ranges and order; BundleError names the file.

        Embeddings and texts stay in the file, whose pages all processes of a machine share.
        """
        path, posts_path, categories_path = map(bundle.path, (INDEX_ARRAYS, INDEX_POSTS, CATEGORIES))
        arrays = _map_arrays(path, _INDEX_DTYPES)
        categories = _read_lines(categories_path, Category)
        count = arrays["post_ids"].size
        _check_shapes(
            path,
            arrays,
            {
                "post_ids": (count,),
                "category_ids": (count,),
                "tower_embeddings": (count, bundle.manifest.tower_dimension),
                "text_embeddings": (count, bundle.manifest.text_dimension),
                "popularity": (count,),
                "text_offsets": (len(TEXT_FIELDS) * count + 1,),
            },
        )
        post_ids, category_ids = arrays["post_ids"], arrays["category_ids"]
        is_later = (category_ids[1:] > category_ids[:-1]) | (
            (category_ids[1:] == category_ids[:-1]) & (post_ids[1:] > post_ids[:-1])
        )
        _check(path, is_later.all(), "the posts do not ascend by category_id and post_id")
        _check(path, not count or category_ids[0] >= 0, "category_ids holds a negative one")
        _check(path, _ascend(np.sort(post_ids)), "post_ids names a post twice")
        _check(path, np.isfinite(arrays["popularity"]).all(), "popularity holds a value that is not finite")
        _check(path, _in_unit_range(arrays["popularity"]), "popularity is not in 0..1")
        _check_unit_rows(path, "tower_embeddings", arrays["tower_embeddings"])
        _check_unit_rows(path, "text_embeddings", arrays["text_embeddings"], or_zero=True)
        posts = ServedPosts(post_ids, category_ids, arrays.pop("text_offsets"), _map_bytes(posts_path))
        complaint = posts.complaint()
        _check(posts_path, not complaint, f"{complaint}, as {INDEX_ARRAYS} has it")
        _check(
            categories_path,
            [category.category_id for category in categories] == np.unique(category_ids[category_ids > 0]).tolist(),
            f"does not name the categories of {INDEX_ARRAYS}, ascending",
        )
        return cls(posts=posts, categories=categories, **arrays)

    def let_go_of_pages(self) -> None:
        """Leave the files' pages to the system, which hands back those that are asked for; harmless at any time."""
        for array in (self.tower_embeddings, self.text_embeddings, self.posts.offsets, self.posts.text):
            _let_go_of_pages(array)


@dataclass(frozen=True, slots=True)
class HistoryPosts:
    """Every post that a history may name, as the user tower sees it.

    ``post_ids`` int64 [posts] ascending, ``representations`` float32 [posts, representation dimension].
    """

    post_ids: NDArray[np.int64]
    representations: Matrix

    def write(self, directory: Path) -> None:
        """Write the file."""
        _write_arrays(directory / HISTORY_POSTS, {name: getattr(self, name) for name in _HISTORY_DTYPES})

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read and check types, shapes and order; BundleError names the file."""
        return cls(**_read_history_arrays(bundle))


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """Every user of the users list that answers for its username, with or without a history.

    The history of user ``i`` is the slice ``offsets[i]:offsets[i + 1]`` of the event arrays, oldest first:
    ``post_ids`` int64, ``verbs`` int8 (position in two_tower.features.VERBS), ``strengths`` float32 in 0..1,
    ``days`` float32, at most 0 (relative to the newest moment known). ``user_ids`` int64 [users].
    """

    user_ids: NDArray[np.int64]
    usernames: tuple[str, ...]
    offsets: NDArray[np.int64]
    post_ids: NDArray[np.int64]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    days: NDArray[np.float32]

    def write(self, directory: Path) -> None:
        """Write the two files of the users."""
        _write_arrays(directory / USER_ARRAYS, {name: getattr(self, name) for name in _USER_DTYPES})
        _write_texts(directory / USERNAMES, self.usernames)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read and check types, offsets, ranges and order; BundleError names the file."""
        path, names_path = bundle.path(USER_ARRAYS), bundle.path(USERNAMES)
        arrays = _read_arrays(path, _USER_DTYPES)
        usernames = _read_texts(names_path)
        offsets, post_ids, days = arrays["offsets"], arrays["post_ids"], arrays["days"]
        count, events = len(usernames), post_ids.size
        users = arrays["user_ids"].size
        _check(names_path, count == users, f"has {count} names for {users} users")
        _check_shapes(
            path,
            arrays,
            {"user_ids": (count,), "offsets": (count + 1,)}
            | dict.fromkeys(("post_ids", "verbs", "strengths", "days"), (events,)),
        )
        _check(
            path,
            offsets[0] == 0 and offsets[-1] == events and (offsets[1:] >= offsets[:-1]).all(),
            "offsets do not divide the events among the users",
        )
        _check(path, ((arrays["verbs"] >= 0) & (arrays["verbs"] < len(VERBS))).all(), "verbs holds an unknown one")
        _check(path, _in_unit_range(arrays["strengths"]), "strengths is not in 0..1")
        _check(path, (days <= 0).all(), "days holds one in the future")
        is_first = np.zeros(events + 1, dtype=np.bool_)
        is_first[offsets] = True
        _check(path, ((days[1:] >= days[:-1]) | is_first[1:events]).all(), "a history is not oldest first")
        _check(names_path, len(set(usernames)) == count, "names a user twice")
        known = _read_history_arrays(bundle, only=("post_ids",))["post_ids"]
        _check(path, np.isin(post_ids, known).all(), f"post_ids names a post that {HISTORY_POSTS} does not hold")
        return cls(usernames=usernames, **arrays)


@dataclass(frozen=True, slots=True)
class CanaryEmbeddings:
    """The embeddings of the manifest's canaries, in their order; a row of zeros where one has no user or no mood."""

    user_embeddings: Matrix
    mood_embeddings: Matrix

    def write(self, directory: Path) -> None:
        """Write the file."""
        _write_arrays(directory / CANARIES, {name: getattr(self, name) for name in _CANARY_DTYPES})

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read and check types, shapes and norms; BundleError names the file."""
        path = bundle.path(CANARIES)
        arrays = _read_arrays(path, _CANARY_DTYPES)
        count = len(bundle.manifest.canaries)
        _check_shapes(
            path,
            arrays,
            {
                "user_embeddings": (count, bundle.manifest.tower_dimension),
                "mood_embeddings": (count, bundle.manifest.text_dimension),
            },
        )
        for name, array in arrays.items():
            _check(
                path, _are_unit_rows(array, or_zero=True), f"{name} has a row that is neither a unit vector nor zero"
            )
        return cls(**arrays)


def write_words(words: Iterable[str], directory: Path) -> None:
    """Write the post tower's vocabulary in its order."""
    _write_texts(directory / WORDS, words)


def read_words(bundle: Bundle) -> tuple[str, ...]:
    """Read the post tower's vocabulary; BundleError names the line that is no text."""
    return _read_texts(bundle.path(WORDS))


_BLOCK_ROWS = 1024  # whose float32 copies fit in the processor's cache
_SQUARED_NORM_TOLERANCE = 2e-3  # that of the wire, post_index_service.index, squared

_Row = TypeVar("_Row", bound=Category)
_Line = TypeVar("_Line")
_Dtypes = Mapping[str, type[np.generic]]

_INDEX_DTYPES: _Dtypes = {
    "post_ids": np.int64,
    "category_ids": np.int32,
    "tower_embeddings": np.float32,
    "text_embeddings": np.float16,
    "popularity": np.float32,
    "text_offsets": np.int64,
}
_HISTORY_DTYPES: _Dtypes = {"post_ids": np.int64, "representations": np.float32}
_USER_DTYPES: _Dtypes = {
    "user_ids": np.int64,
    "offsets": np.int64,
    "post_ids": np.int64,
    "verbs": np.int8,
    "strengths": np.float32,
    "days": np.float32,
}
_CANARY_DTYPES: _Dtypes = {"user_embeddings": np.float32, "mood_embeddings": np.float32}

_NAMES_IN_FILES: Mapping[type[np.generic], str] = {
    np.int64: "I64",
    np.int32: "I32",
    np.int8: "I8",
    np.float32: "F32",
    np.float16: "F16",
}

_Arrays = dict[str, Any]  # name -> array of the dtype that the table above gives


def _write_arrays(path: Path, arrays: _Arrays) -> None:
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def _read_arrays(path: Path, dtypes: _Dtypes, *, only: Sequence[str] = ()) -> _Arrays:
    """Read all arrays, or ``only`` some, after the file's header has proven to be of the names and dtypes expected."""
    with _opened_arrays(path, dtypes) as file:
        arrays = {name: file.get_tensor(name) for name in only or dtypes}
    for name, array in arrays.items():
        if array.dtype == np.float32:
            _check(path, np.isfinite(array).all(), f"{name} holds a value that is not finite")
    return arrays


def _map_arrays(path: Path, dtypes: _Dtypes) -> _Arrays:
    """All arrays where they lie in the file: nothing is read until it is looked at, and no value has been checked."""
    with _opened_arrays(path, dtypes) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in dtypes}
        content = _map_bytes(path).data
        (length,) = struct.unpack_from("<Q", content)
        header = orjson.loads(bytes(content[8 : 8 + length]))
        arrays = {}
        for name, dtype in dtypes.items():
            start, end = header[name]["data_offsets"]  # proven to lie in the file when it was opened
            values = np.frombuffer(content[8 + length + start : 8 + length + end], dtype=dtype)
            arrays[name] = np.require(values.reshape(shapes[name]), requirements="A")
        return arrays


def _map_bytes(path: Path) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # nothing cannot be mapped
                return np.zeros(0, dtype=np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error}") from error


def _let_go_of_pages(array: NDArray[Any]) -> None:
    owner: Any = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


@contextmanager
def _opened_arrays(path: Path, dtypes: _Dtypes) -> Iterator[Any]:
    """The open file, of the names and dtypes expected; BundleError for whatever goes wrong with it in the block."""
    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            if names != dtypes.keys():
                raise BundleError(path, f"holds the arrays {sorted(names)}, expected {sorted(dtypes)}")
            for name, dtype in dtypes.items():
                found = file.get_slice(name).get_dtype()
                if found != _NAMES_IN_FILES[dtype]:
                    raise BundleError(path, f"{name} is {found}, expected {_NAMES_IN_FILES[dtype]}")
            yield file
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error


def _read_history_arrays(bundle: Bundle, *, only: Sequence[str] = tuple(_HISTORY_DTYPES)) -> _Arrays:
    path = bundle.path(HISTORY_POSTS)
    arrays = _read_arrays(path, _HISTORY_DTYPES, only=only)
    count, width = _tower_fact(bundle, "post_count"), _tower_fact(bundle, "representation_dimension")
    shapes = {"post_ids": (count,), "representations": (count, width)}
    _check_shapes(path, arrays, {name: shapes[name] for name in arrays})
    _check(path, _ascend(arrays["post_ids"]), "post_ids do not ascend")
    return arrays


def _check(path: Path, holds: bool | np.bool_, complaint: str) -> None:
    if not holds:
        raise BundleError(path, complaint)


def _check_shapes(path: Path, arrays: _Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        _check(path, arrays[name].shape == shape, f"{name} has shape {arrays[name].shape}, expected {shape}")


def _tower_fact(bundle: Bundle, name: str) -> int:
    fact = bundle.manifest.tower.get(name)
    if not isinstance(fact, int):
        raise BundleError(bundle.directory / MANIFEST_NAME, f"field tower.{name}: {fact!r} is not an integer")
    return fact


def _ascend(numbers: NDArray[np.integer]) -> np.bool_:
    return np.bool_((numbers[1:] > numbers[:-1]).all())  # not np.diff, which overflows


def _in_unit_range(values: NDArray[np.float32]) -> np.bool_:
    return np.bool_(((values >= 0) & (values <= 1)).all())


def _are_unit_rows(rows: Matrix, *, or_zero: bool = False) -> np.bool_:
    with np.errstate(over="ignore"):  # too long is no unit vector either
        squares = np.einsum("ij,ij->i", rows, rows)
    is_unit = np.abs(squares - 1) <= _SQUARED_NORM_TOLERANCE
    return np.bool_((is_unit | ~rows.any(axis=1) if or_zero else is_unit).all())


def _check_unit_rows(path: Path, name: str, rows: Matrix | HalfMatrix, *, or_zero: bool = False) -> None:
    """In blocks, so that no copy of them all is made; BundleError."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        if _are_unit_rows(in_float32(block), or_zero=or_zero):
            continue
        _check(path, np.isfinite(block).all(), f"{name} holds a value that is not finite")
        kind = "neither a unit vector nor zero" if or_zero else "no unit vector"
        raise BundleError(path, f"{name} has a row that is {kind}")


def _write_texts(path: Path, texts: Iterable[str]) -> None:
    path.write_bytes(b"".join(orjson.dumps(text) + b"\n" for text in texts))


def _read_texts(path: Path) -> tuple[str, ...]:
    return tuple(_parsed_lines(path, TypeAdapter(str)))


def _write_lines(path: Path, rows: Iterable[_Row]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def _read_lines(path: Path, row_class: type[_Row]) -> tuple[_Row, ...]:
    return tuple(_parsed_lines(path, TypeAdapter(row_class)))


def _parsed_lines(path: Path, reader: TypeAdapter[_Line]) -> Iterator[_Line]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield reader.validate_json(line)
        except ValidationError as error:
            raise BundleError(path, f"line {number}: {error.errors()[0]['msg']}") from error
