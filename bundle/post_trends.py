"""How many people met each post lately, at the bundle's newest moment: where live trends start from."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.array_checks import check, check_finite, check_shapes
from bundle.array_files import Dtypes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.file_names import POST_TRENDS

TREND_DAYS = 7.0
"""A person who met a post so many days ago counts 1/e."""

LARGEST_SUM = 2.0**22
"""A larger sum counts as this one."""

MOST_PAIRS = 100_000
"""So many people and posts that met last are known one by one."""

_DTYPES: Dtypes = {
    "sums": np.float64,
    "lasting": np.float32,
    "newest_moment_ms": np.int64,
    "pair_keys": np.int64,
    "pair_moments_ms": np.int64,
}


@dataclass(frozen=True, slots=True)
class PostTrends:
    """``sums`` float64 [posts] as in the index: of each post the sum of exp(-age / TREND_DAYS) over those who met it.

    The age is that of the person's first interaction with the post, at ``newest_moment_ms``: the newest interaction of
    the bundle, in milliseconds since 1970. It is 0, and the sums are zeros, if the interactions have no timestamps.

    ``lasting`` float32 [posts] is what people met over a long time, at least 0, in any unit, or empty if nothing is
    known of it. It does not go on with the log.

    ``pair_keys`` int64 [pairs] are the ``pair_key`` of the pairs of a person and a post that met last, MOST_PAIRS at
    most, and ``pair_moments_ms`` int64 [pairs], ascending, when they met: they do not count again.
    """

    sums: NDArray[np.float64]
    newest_moment_ms: int
    pair_keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pair_moments_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lasting: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    @classmethod
    def none(cls, count: int) -> Self:
        """Those of ``count`` posts that nobody met at a known moment."""
        return cls(np.zeros(count), 0, lasting=np.zeros(count, dtype=np.float32))

    def write(self, directory: Path) -> None:
        """Write the file."""
        arrays = {name: getattr(self, name) for name in _DTYPES if name != "newest_moment_ms"}
        arrays["newest_moment_ms"] = np.array([self.newest_moment_ms], dtype=np.int64)
        if not len(self.lasting):
            arrays["lasting"] = np.zeros(len(self.sums), dtype=np.float32)
        write_arrays(directory / POST_TRENDS, arrays)

    @classmethod
    def read(cls, bundle: Bundle, *, count: int) -> Self:
        """Read the file of ``count`` posts and check dtypes, shapes and ranges; BundleError names the file."""
        path = bundle.path(POST_TRENDS)
        arrays = read_arrays(path, _DTYPES)
        keys, moments = arrays["pair_keys"], arrays["pair_moments_ms"]
        pairs = (keys.size,)
        check_shapes(
            path,
            arrays,
            {
                "sums": (count,),
                "lasting": (count,),
                "newest_moment_ms": (1,),
                "pair_keys": pairs,
                "pair_moments_ms": pairs,
            },
        )
        check_finite(path, arrays)
        sums, moment = arrays["sums"], int(arrays["newest_moment_ms"][0])
        check(path, (sums >= 0).all() and (sums <= LARGEST_SUM).all(), f"sums is not in 0..{LARGEST_SUM:.0f}")
        check(path, (arrays["lasting"] >= 0).all(), "lasting is below 0")
        check(path, moment > 0 or not sums.any(), "there are sums and no newest moment")
        check(path, keys.size <= MOST_PAIRS, f"there are {keys.size} pairs, {MOST_PAIRS} at most are allowed")
        check(path, (moments[1:] >= moments[:-1]).all(), "pair_moments_ms do not ascend")
        check(path, not keys.size or moments[-1] <= moment, "a pair met after the newest moment")
        return cls(sums, moment, keys, moments, arrays["lasting"])


def newest_moment_of(bundle: Bundle) -> int:
    """When the newest interaction of a bundle was, in milliseconds since 1970; 0 if its data has no clock."""
    return int(read_arrays(bundle.path(POST_TRENDS), _DTYPES, only=("newest_moment_ms",))["newest_moment_ms"][0])


def pair_key(username: str, row: int) -> int:
    """What stands for a person and the post in a row of the index: 8 bytes of a hash, as an int64."""
    digest = hashlib.blake2b(f"{row} {username}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
