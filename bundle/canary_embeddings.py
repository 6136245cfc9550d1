"""The expected embeddings of the manifest's canaries, which a process must reproduce before it serves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from bundle.array_checks import check_finite, check_shapes, check_unit_rows
from bundle.array_files import Dtypes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import CANARIES

_CANARY_DTYPES: Dtypes = {"user_embeddings": np.float32, "mood_embeddings": np.float32}


@dataclass(frozen=True, slots=True)
class CanaryEmbeddings:
    """The embeddings of the manifest's canaries, in their order.

    ``user_embeddings`` float32 [canaries, tower dimension] and ``mood_embeddings`` float32 [canaries, text dimension]:
    unit rows, or zeros where a canary has no user or no mood.
    """

    user_embeddings: Matrix
    mood_embeddings: Matrix

    def write(self, directory: Path) -> None:
        """Write the file."""
        write_arrays(directory / CANARIES, {name: getattr(self, name) for name in _CANARY_DTYPES})

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read the file and check dtypes, shapes and norms; BundleError names the file."""
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
        check_finite(path, arrays)
        for name, array in arrays.items():
            check_unit_rows(path, name, array, or_zero=True)
        return cls(**arrays)
