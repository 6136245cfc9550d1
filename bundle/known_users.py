"""The files of a bundle that the user tower reads: all users with their histories, and the posts in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.array_checks import check, check_finite, check_shapes, is_ascending, is_in_unit_range
from bundle.array_files import Arrays, Dtypes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import HISTORY_POSTS, MANIFEST_NAME, USER_ARRAYS, USERNAMES
from bundle.manifest import BundleError
from bundle.text_files import read_texts, write_texts
from bundle.verbs import VERBS

_HISTORY_DTYPES: Dtypes = {"post_ids": np.int64, "representations": np.float32}
_USER_DTYPES: Dtypes = {
    "user_ids": np.int64,
    "offsets": np.int64,
    "post_ids": np.int64,
    "verbs": np.int8,
    "strengths": np.float32,
    "days": np.float32,
}


@dataclass(frozen=True, slots=True)
class HistoryPosts:
    """Every post that may stand in a history, as the user tower sees it.

    ``post_ids`` int64 [posts] ascending, ``representations`` float32 [posts, representation dimension].
    """

    post_ids: NDArray[np.int64]
    representations: Matrix

    def write(self, directory: Path) -> None:
        """Write the file."""
        write_arrays(directory / HISTORY_POSTS, {name: getattr(self, name) for name in _HISTORY_DTYPES})

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read the file and check dtypes, shapes and order; BundleError names the file."""
        return cls(**_read_history_arrays(bundle))


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """Every user that a feed can be requested for, with or without a history; usernames are unique.

    The history of user ``i`` is the slice ``offsets[i]:offsets[i + 1]`` of the event arrays, oldest first:
    ``post_ids`` int64, ``verbs`` int8 (index into bundle.verbs.VERBS), ``strengths`` float32 in 0..1,
    ``days`` float32, at most 0 (0 is the newest moment in the data). ``user_ids`` int64 [users].
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
        write_arrays(directory / USER_ARRAYS, {name: getattr(self, name) for name in _USER_DTYPES})
        write_texts(directory / USERNAMES, self.usernames)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read both files and check dtypes, offsets, ranges and order; BundleError names the file."""
        path, names_path = bundle.path(USER_ARRAYS), bundle.path(USERNAMES)
        arrays = read_arrays(path, _USER_DTYPES)
        check_finite(path, arrays)
        usernames = read_texts(names_path)
        offsets, post_ids, days = arrays["offsets"], arrays["post_ids"], arrays["days"]
        count, events = len(usernames), post_ids.size
        users = arrays["user_ids"].size
        check(names_path, count == users, f"has {count} names for {users} users")
        check_shapes(
            path,
            arrays,
            {"user_ids": (count,), "offsets": (count + 1,)}
            | dict.fromkeys(("post_ids", "verbs", "strengths", "days"), (events,)),
        )
        check(
            path,
            offsets[0] == 0 and offsets[-1] == events and (offsets[1:] >= offsets[:-1]).all(),
            "offsets do not divide the events among the users",
        )
        check(path, ((arrays["verbs"] >= 0) & (arrays["verbs"] < len(VERBS))).all(), "verbs holds an unknown verb")
        check(path, is_in_unit_range(arrays["strengths"]), "strengths is not in 0..1")
        check(path, (days <= 0).all(), "days holds a value above 0, which is in the future")
        is_first = np.zeros(events + 1, dtype=np.bool_)
        is_first[offsets] = True
        check(
            path, ((days[1:] >= days[:-1]) | is_first[1:events]).all(), "a history is not sorted by days, oldest first"
        )
        check(names_path, len(set(usernames)) == count, "holds a username twice")
        known = _read_history_arrays(bundle, only=("post_ids",))["post_ids"]
        check(path, np.isin(post_ids, known).all(), f"post_ids holds a post that is not in {HISTORY_POSTS}")
        return cls(usernames=usernames, **arrays)


def _read_history_arrays(bundle: Bundle, *, only: Sequence[str] = tuple(_HISTORY_DTYPES)) -> Arrays:
    path = bundle.path(HISTORY_POSTS)
    arrays = read_arrays(path, _HISTORY_DTYPES, only=only)
    check_finite(path, arrays)
    count, width = _tower_fact(bundle, "post_count"), _tower_fact(bundle, "representation_dimension")
    shapes = {"post_ids": (count,), "representations": (count, width)}
    check_shapes(path, arrays, {name: shapes[name] for name in arrays})
    check(path, is_ascending(arrays["post_ids"]), "post_ids do not ascend")
    return arrays


def _tower_fact(bundle: Bundle, name: str) -> int:
    fact = bundle.manifest.tower.get(name)
    if not isinstance(fact, int):
        raise BundleError(bundle.directory / MANIFEST_NAME, f"field tower.{name}: {fact!r} is not an integer")
    return fact
