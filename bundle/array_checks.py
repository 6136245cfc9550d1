"""The checks that readers of a bundle make of its arrays. Each raises BundleError with the file and what is wrong."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.array_files import Arrays
from bundle.embedding_space import HalfMatrix, Matrix, in_float32
from bundle.manifest import BundleError

_BLOCK_ROWS = 1024  # the float32 copies of a block fit in the processor's cache
_SQUARED_NORM_TOLERANCE = 2e-3  # the tolerance of post_index_service.query_checks for vectors from the wire, squared


def check(path: Path, holds: bool | np.bool_, complaint: str) -> None:
    """Raise BundleError with ``complaint`` unless ``holds``."""
    if not holds:
        raise BundleError(path, complaint)


def check_shapes(path: Path, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise BundleError for the first array that does not have its expected shape."""
    for name, shape in shapes.items():
        check(path, arrays[name].shape == shape, f"{name} has shape {arrays[name].shape}, expected {shape}")


def check_finite(path: Path, arrays: Arrays) -> None:
    """Raise BundleError for the first array that holds a NaN or an infinity."""
    for name, array in arrays.items():
        if array.dtype.kind in "fc":
            check(path, np.isfinite(array).all(), f"{name} holds a value that is not finite")


def check_unit_rows(path: Path, name: str, rows: Matrix | HalfMatrix, *, or_zero: bool = False) -> None:
    """Raise BundleError unless all rows [rows, dimension] are unit vectors; with ``or_zero``, zeros pass too.

    The rows are checked in blocks, so that they are never copied all at once.
    """
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        if _are_unit_rows(in_float32(block), or_zero=or_zero):
            continue
        check(path, np.isfinite(block).all(), f"{name} holds a value that is not finite")
        kind = "neither a unit vector nor zero" if or_zero else "not a unit vector"
        raise BundleError(path, f"{name} has a row that is {kind}")


def is_ascending(numbers: NDArray[np.integer]) -> np.bool_:
    """Whether each number is larger than the one before it."""
    return np.bool_((numbers[1:] > numbers[:-1]).all())  # np.diff would overflow


def is_in_unit_range(values: NDArray[np.float32]) -> np.bool_:
    """Whether all values are in 0..1."""
    return np.bool_(((values >= 0) & (values <= 1)).all())


def _are_unit_rows(rows: Matrix, *, or_zero: bool) -> np.bool_:
    with np.errstate(over="ignore"):  # an infinite norm is not 1 either
        squares = np.einsum("ij,ij->i", rows, rows)
    is_unit = np.abs(squares - 1) <= _SQUARED_NORM_TOLERANCE
    return np.bool_((is_unit | ~rows.any(axis=1) if or_zero else is_unit).all())
