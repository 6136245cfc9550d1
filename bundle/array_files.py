"""Array files: the one place that writes, reads and maps safetensors. Readers raise BundleError with the file.

safetensors needs neither torch nor pickle, and its header can be checked before any value is read.
"""

import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from bundle.manifest import BundleError

Dtypes = Mapping[str, type[np.generic]]
Arrays = dict[str, NDArray[Any]]

_NAMES_IN_FILES: Mapping[type[np.generic], str] = {
    np.int64: "I64",
    np.int32: "I32",
    np.int8: "I8",
    np.float64: "F64",
    np.float32: "F32",
    np.float16: "F16",
}


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write named arrays as safetensors."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_arrays(path: Path, dtypes: Dtypes, *, only: Sequence[str] = ()) -> Arrays:
    """Read all arrays, or ``only`` some.

    BundleError unless the file holds exactly the names and dtypes of ``dtypes``. Values are not checked.
    """
    with _opened(path) as file:
        _check_header(path, file, dtypes)
        return {name: file.get_tensor(name) for name in only or dtypes}


def read_any_arrays(path: Path) -> Arrays:
    """Read all arrays of a file, whatever their names, dtypes and values."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is not a mapping


def map_arrays(path: Path, dtypes: Dtypes) -> Arrays:
    """Map all arrays: a page of the file is read when a value in it is used.

    BundleError unless the file holds exactly the names and dtypes of ``dtypes``. Values are not checked.
    """
    with _opened(path) as file:
        _check_header(path, file, dtypes)
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in dtypes}
        content = map_bytes(path).data
        (length,) = struct.unpack_from("<Q", content)
        header = orjson.loads(bytes(content[8 : 8 + length]))
        arrays: Arrays = {}
        for name, dtype in dtypes.items():
            start, end = header[name]["data_offsets"]  # safe_open has checked that they lie in the file
            values = np.frombuffer(content[8 + length + start : 8 + length + end], dtype=dtype)
            arrays[name] = np.require(values.reshape(shapes[name]), requirements="A")
        return arrays


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """Map a file: uint8 [bytes]. A page is read when a byte in it is used."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # an empty file cannot be mapped
                return np.zeros(0, dtype=np.uint8)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error}") from error


def let_go_of_pages(array: NDArray[Any]) -> None:
    """Return the pages of a mapped array to the system, which reads them again when they are used."""
    owner: Any = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open file; whatever goes wrong with it in the block becomes a BundleError."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except BundleError:
        raise
    except Exception as error:  # SafetensorError, OSError, TypeError, AttributeError: it documents none of them
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error


def _check_header(path: Path, file: Any, dtypes: Dtypes) -> None:
    names = set(file.keys())
    if names != dtypes.keys():
        raise BundleError(path, f"holds the arrays {sorted(names)}, expected {sorted(dtypes)}")
    for name, dtype in dtypes.items():
        found = file.get_slice(name).get_dtype()
        if found != _NAMES_IN_FILES[dtype]:
            raise BundleError(path, f"{name} is {found}, expected {_NAMES_IN_FILES[dtype]}")
