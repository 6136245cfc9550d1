"""The files that arrays and texts of a bundle lie in: written, read or mapped, and checked.

Arrays lie in safetensors, texts in JSON lines. No file needs torch, pandas or pickle to be read. Every reader raises
BundleError, which names the file and what is wrong with it.
"""

import mmap
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bundle.embedding_space import HalfMatrix, Matrix, in_float32
from bundle.manifest import BundleError

_BLOCK_ROWS = 1024  # whose float32 copies fit in the processor's cache
_SQUARED_NORM_TOLERANCE = 2e-3  # that of the wire, post_index_service.index, squared

_Line = TypeVar("_Line")
Dtypes = Mapping[str, type[np.generic]]
Arrays = dict[str, Any]  # name -> array of the dtype that the table gives

_NAMES_IN_FILES: Mapping[type[np.generic], str] = {
    np.int64: "I64",
    np.int32: "I32",
    np.int8: "I8",
    np.float32: "F32",
    np.float16: "F16",
}


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write named arrays as safetensors."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_arrays(path: Path, dtypes: Dtypes, *, only: Sequence[str] = ()) -> Arrays:
    """Read all arrays, or ``only`` some, after the file's header has proven to be of the names and dtypes expected."""
    with _opened_arrays(path, dtypes) as file:
        arrays = {name: file.get_tensor(name) for name in only or dtypes}
    for name, array in arrays.items():
        if array.dtype == np.float32:
            check(path, np.isfinite(array).all(), f"{name} holds a value that is not finite")
    return arrays


def map_arrays(path: Path, dtypes: Dtypes) -> Arrays:
    """All arrays where they lie in the file: nothing is read until it is looked at, and no value has been checked."""
    with _opened_arrays(path, dtypes) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in dtypes}
        content = map_bytes(path).data
        (length,) = struct.unpack_from("<Q", content)
        header = orjson.loads(bytes(content[8 : 8 + length]))
        arrays = {}
        for name, dtype in dtypes.items():
            start, end = header[name]["data_offsets"]  # proven to lie in the file when it was opened
            values = np.frombuffer(content[8 + length + start : 8 + length + end], dtype=dtype)
            arrays[name] = np.require(values.reshape(shapes[name]), requirements="A")
        return arrays


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file where they lie in it, uint8 [bytes]; nothing is read until it is looked at."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # nothing cannot be mapped
                return np.zeros(0, dtype=np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error}") from error


def let_go_of_pages(array: NDArray[Any]) -> None:
    """Leave the pages of a mapped array to the system, which reads them again when they are asked for."""
    owner: Any = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


@contextmanager
def _opened_arrays(path: Path, dtypes: Dtypes) -> Iterator[Any]:
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


def check(path: Path, holds: bool | np.bool_, complaint: str) -> None:
    """Raise BundleError with ``complaint`` unless something holds."""
    if not holds:
        raise BundleError(path, complaint)


def check_shapes(path: Path, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise BundleError for the first array that does not have the shape that is expected of it."""
    for name, shape in shapes.items():
        check(path, arrays[name].shape == shape, f"{name} has shape {arrays[name].shape}, expected {shape}")


def ascend(numbers: NDArray[np.integer]) -> np.bool_:
    """Whether each number is larger than the one before it."""
    return np.bool_((numbers[1:] > numbers[:-1]).all())  # not np.diff, which overflows


def in_unit_range(values: NDArray[np.float32]) -> np.bool_:
    """Whether all values are in 0..1."""
    return np.bool_(((values >= 0) & (values <= 1)).all())


def are_unit_rows(rows: Matrix, *, or_zero: bool = False) -> np.bool_:
    """Whether all rows [rows, dimension] are unit vectors; with ``or_zero``, zeros pass too."""
    with np.errstate(over="ignore"):  # too long is no unit vector either
        squares = np.einsum("ij,ij->i", rows, rows)
    is_unit = np.abs(squares - 1) <= _SQUARED_NORM_TOLERANCE
    return np.bool_((is_unit | ~rows.any(axis=1) if or_zero else is_unit).all())


def check_unit_rows(path: Path, name: str, rows: Matrix | HalfMatrix, *, or_zero: bool = False) -> None:
    """In blocks, so that no copy of them all is made; BundleError."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        if are_unit_rows(in_float32(block), or_zero=or_zero):
            continue
        check(path, np.isfinite(block).all(), f"{name} holds a value that is not finite")
        kind = "neither a unit vector nor zero" if or_zero else "no unit vector"
        raise BundleError(path, f"{name} has a row that is {kind}")


def write_texts(path: Path, texts: Iterable[str]) -> None:
    """Write texts as JSON lines."""
    path.write_bytes(b"".join(orjson.dumps(text) + b"\n" for text in texts))


def read_texts(path: Path) -> tuple[str, ...]:
    """Read texts from JSON lines."""
    return tuple(_parsed_lines(path, TypeAdapter(str)))


def write_lines(path: Path, rows: Iterable[_Line]) -> None:
    """Write dataclass rows as JSON lines."""
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def read_lines(path: Path, row_class: type[_Line]) -> tuple[_Line, ...]:
    """Read JSON lines as rows of a dataclass, each checked."""
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
