"""The embeddings of the manifest's canaries, by which a process proves itself before it serves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from bundle.array_files import Dtypes, are_unit_rows, check, check_shapes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import CANARIES

_CANARY_DTYPES: Dtypes = {"user_embeddings": np.float32, "mood_embeddings": np.float32}


@dataclass(frozen=True, slots=True)
class CanaryEmbeddings:
    """The embeddings of the manifest's canaries, in their order; a row of zeros where one has no user or no mood."""

    user_embeddings: Matrix
    mood_embeddings: Matrix

    def write(self, directory: Path) -> None:
        """Write the file."""
        write_arrays(directory / CANARIES, {name: getattr(self, name) for name in _CANARY_DTYPES})

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read and check types, shapes and norms; BundleError names the file."""
        path = bundle.path(CANARIES)
        arrays = read_arrays(path, _CANARY_DTYPES)
        count = len(bundle.manifest.canaries)
        check_shapes(
            path,
            arrays,
            {
                "user_embeddings": (count, bundle.manifest.tower_dimension),
                "mood_embeddings": (count, bundle.manifest.text_dimension),
            },
        )
        for name, array in arrays.items():
            check(path, are_unit_rows(array, or_zero=True), f"{name} has a row that is neither a unit vector nor zero")
        return cls(**arrays)
