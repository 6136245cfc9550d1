"""What each file of a bundle holds, typed: the one place where its arrays are named.

Arrays lie in safetensors, texts in JSON lines. No file needs torch, pandas or pickle to be read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from two_tower.bundle import Bundle, BundleError
from two_tower.embedding_space import Matrix

INDEX_ARRAYS = "index.safetensors"
INDEX_POSTS = "index_posts.jsonl"
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
class ServedPost:
    """What a feed shows of a post; category_id 0 means none."""

    post_id: int
    video_link: str
    title: str
    thumbnail_url: str
    category_id: int
    owner_username: str


@dataclass(frozen=True, slots=True)
class Category:
    """A category by its number, at least 1, and its name."""

    category_id: int
    name: str


@dataclass(frozen=True, slots=True)
class IndexPosts:
    """All servable posts, ascending by (category_id, post_id), so that a category is a slice.

    ``post_ids`` int64 [posts], ``category_ids`` int32 [posts], ``tower_embeddings`` and ``text_embeddings`` float32
    [posts, dimension] with unit rows, ``popularity`` float32 [posts] in 0..1. The text embedding is what a mood is
    compared with: that of the post's mood, and all zeros for a post without words.
    """

    post_ids: NDArray[np.int64]
    category_ids: NDArray[np.int32]
    tower_embeddings: Matrix
    text_embeddings: Matrix
    popularity: NDArray[np.float32]
    posts: tuple[ServedPost, ...]
    categories: tuple[Category, ...]

    def write(self, directory: Path) -> None:
        """Write the three files of the index."""
        _write_arrays(
            directory / INDEX_ARRAYS,
            {name: getattr(self, name) for name in _INDEX_DTYPES},
        )
        _write_lines(directory / INDEX_POSTS, self.posts)
        _write_lines(directory / CATEGORIES, self.categories)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read and check shapes, types and order; BundleError names the file."""
        path = bundle.path(INDEX_ARRAYS)
        arrays = _read_arrays(path, _INDEX_DTYPES)
        posts = _read_lines(bundle.path(INDEX_POSTS), ServedPost)
        categories = _read_lines(bundle.path(CATEGORIES), Category)
        count = len(posts)
        expected = {
            "post_ids": (count,),
            "category_ids": (count,),
            "tower_embeddings": (count, bundle.manifest.tower_dimension),
            "text_embeddings": (count, bundle.manifest.text_dimension),
            "popularity": (count,),
        }
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise BundleError(path, f"{name} has shape {arrays[name].shape}, expected {shape}")
        if [post.post_id for post in posts] != arrays["post_ids"].tolist():
            raise BundleError(bundle.path(INDEX_POSTS), f"does not name the posts of {INDEX_ARRAYS} in their order")
        return cls(posts=posts, categories=categories, **arrays)


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
        """Read and check types; BundleError names the file."""
        return cls(**_read_arrays(bundle.path(HISTORY_POSTS), _HISTORY_DTYPES))


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
        """Read and check types and offsets; BundleError names the file."""
        path = bundle.path(USER_ARRAYS)
        arrays = _read_arrays(path, _USER_DTYPES)
        names_path = bundle.path(USERNAMES)
        usernames = _read_texts(names_path)
        if len(usernames) != len(arrays["user_ids"]):
            raise BundleError(names_path, f"has {len(usernames)} names for {len(arrays['user_ids'])} users")
        offsets = arrays["offsets"]
        if len(offsets) != len(usernames) + 1 or offsets[-1] != len(arrays["post_ids"]) or (np.diff(offsets) < 0).any():
            raise BundleError(path, "offsets do not divide the events among the users")
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
        """Read and check types; BundleError names the file."""
        return cls(**_read_arrays(bundle.path(CANARIES), _CANARY_DTYPES))


def write_words(words: Iterable[str], directory: Path) -> None:
    """Write the post tower's vocabulary in its order."""
    _write_texts(directory / WORDS, words)


def read_words(bundle: Bundle) -> tuple[str, ...]:
    """Read the post tower's vocabulary; BundleError names the line that is no text."""
    return _read_texts(bundle.path(WORDS))


_Row = TypeVar("_Row", ServedPost, Category)
_Dtypes = Mapping[str, type[np.generic]]

_INDEX_DTYPES: _Dtypes = {
    "post_ids": np.int64,
    "category_ids": np.int32,
    "tower_embeddings": np.float32,
    "text_embeddings": np.float32,
    "popularity": np.float32,
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

_Arrays = dict[str, Any]  # name -> array of the dtype that the table above gives


def _write_arrays(path: Path, arrays: _Arrays) -> None:
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def _read_arrays(path: Path, dtypes: _Dtypes) -> _Arrays:
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error
    if arrays.keys() != dtypes.keys():
        raise BundleError(path, f"holds the arrays {sorted(arrays)}, expected {sorted(dtypes)}")
    for name, dtype in dtypes.items():
        if arrays[name].dtype != dtype:
            raise BundleError(path, f"{name} is {arrays[name].dtype}, expected {np.dtype(dtype)}")
        if arrays[name].dtype == np.float32 and not np.isfinite(arrays[name]).all():
            raise BundleError(path, f"{name} holds a value that is not finite")
    return dict(arrays)


def _write_texts(path: Path, texts: Iterable[str]) -> None:
    path.write_bytes(b"".join(orjson.dumps(text) + b"\n" for text in texts))


def _read_texts(path: Path) -> tuple[str, ...]:
    reader = TypeAdapter(str)
    texts = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            texts.append(reader.validate_json(line))
        except ValidationError as error:
            raise BundleError(path, f"line {number}: {error.errors()[0]['msg']}") from error
    return tuple(texts)


def _write_lines(path: Path, rows: Iterable[_Row]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def _read_lines(path: Path, row_class: type[_Row]) -> tuple[_Row, ...]:
    reader = TypeAdapter(row_class)
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            rows.append(reader.validate_json(line))
        except ValidationError as error:
            raise BundleError(path, f"line {number}: {error.errors()[0]['msg']}") from error
    return tuple(rows)
