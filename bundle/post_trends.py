"""How many people met each post lately, at the bundle's newest moment: where live trends start from."""

from dataclasses import dataclass
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

_DTYPES: Dtypes = {"sums": np.float64, "newest_moment_ms": np.int64}


@dataclass(frozen=True, slots=True)
class PostTrends:
    """``sums`` float64 [posts] as in the index: of each post the sum of exp(-age / TREND_DAYS) over those who met it.

    The age is that of the person's first interaction with the post, at ``newest_moment_ms``: the newest interaction of
    the bundle, in milliseconds since 1970. It is 0, and the sums are zeros, if the interactions have no timestamps.
    """

    sums: NDArray[np.float64]
    newest_moment_ms: int

    @classmethod
    def none(cls, count: int) -> Self:
        """Those of ``count`` posts that nobody met at a known moment."""
        return cls(np.zeros(count), 0)

    def write(self, directory: Path) -> None:
        """Write the file."""
        moment = np.array([self.newest_moment_ms], dtype=np.int64)
        write_arrays(directory / POST_TRENDS, {"sums": self.sums, "newest_moment_ms": moment})

    @classmethod
    def read(cls, bundle: Bundle, *, count: int) -> Self:
        """Read the file of ``count`` posts and check dtypes, shapes and ranges; BundleError names the file."""
        path = bundle.path(POST_TRENDS)
        arrays = read_arrays(path, _DTYPES)
        check_shapes(path, arrays, {"sums": (count,), "newest_moment_ms": (1,)})
        check_finite(path, arrays)
        sums, moment = arrays["sums"], int(arrays["newest_moment_ms"][0])
        check(path, (sums >= 0).all() and (sums <= LARGEST_SUM).all(), f"sums is not in 0..{LARGEST_SUM:.0f}")
        check(path, moment > 0 or not sums.any(), "there are sums and no newest moment")
        return cls(sums, moment)
