"""Which post followed which within a session, and how sessions go through the order of a category's posts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.array_checks import check, check_finite, check_shapes
from bundle.array_files import Dtypes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.file_names import POST_STEPS

FARTHEST = 20
"""Steps of more places in the order of a category count as steps to anywhere."""
MOST_FOLLOWERS = 100
"""Of each post, those that followed it most often."""

_DTYPES: Dtypes = {"offsets": np.int64, "followers": np.int32, "counts": np.float32, "order_shares": np.float32}


@dataclass(frozen=True, slots=True)
class PostSteps:
    """Steps of people from one post to the next one that they first met, less than half an hour later.

    The followers of the post in row i of the index are ``followers[offsets[i]:offsets[i + 1]]`` int32 (rows), and as
    often as in ``counts`` float32 they followed it. ``order_shares`` float32 [2 * FARTHEST + 1]: the share of all
    steps that went from -FARTHEST to FARTHEST places on in the order of their category; that of 0 is 0. The order is
    by moment of creation, then by id.
    """

    offsets: NDArray[np.int64]
    followers: NDArray[np.int32]
    counts: NDArray[np.float32]
    order_shares: NDArray[np.float32]

    @classmethod
    def none(cls, count: int) -> Self:
        """Those of ``count`` posts between which nobody stepped."""
        return cls(
            np.zeros(count + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int32),
            np.zeros(0, dtype=np.float32),
            np.zeros(2 * FARTHEST + 1, dtype=np.float32),
        )

    def write(self, directory: Path) -> None:
        """Write the file."""
        write_arrays(directory / POST_STEPS, {name: getattr(self, name) for name in _DTYPES})

    @classmethod
    def read(cls, bundle: Bundle, *, count: int) -> Self:
        """Read the file of ``count`` posts and check dtypes, shapes and ranges; BundleError names the file."""
        path = bundle.path(POST_STEPS)
        arrays = read_arrays(path, _DTYPES)
        steps = (arrays["followers"].size,)
        check_shapes(
            path,
            arrays,
            {"offsets": (count + 1,), "followers": steps, "counts": steps, "order_shares": (2 * FARTHEST + 1,)},
        )
        check_finite(path, arrays)
        offsets, followers, counts = arrays["offsets"], arrays["followers"], arrays["counts"]
        check(path, offsets[0] == 0 and offsets[-1] == followers.size, "offsets do not cover followers")
        check(path, (offsets[1:] >= offsets[:-1]).all(), "offsets do not ascend")
        check(path, ((followers >= 0) & (followers < count)).all(), "followers names a row that does not exist")
        check(path, (counts > 0).all(), "counts is not above 0")
        shares = arrays["order_shares"]
        check(path, (shares >= 0).all() and shares.sum() <= 1 + 1e-3, "order_shares are not shares")
        return cls(offsets, followers, counts, shares)
