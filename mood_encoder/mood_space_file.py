"""The mood space of a bundle: the arrays that place moods and posts, beside the encoder that they were fitted with."""

from pathlib import Path

import numpy as np

from bundle.array_checks import check_finite, check_shapes
from bundle.array_files import Dtypes, read_arrays, write_arrays
from bundle.directory import Bundle
from bundle.file_names import MOOD_SPACE
from bundle.manifest import BundleError
from mood_encoder.mood_space import NAMES, MoodSpace

MOOD_SPACE_DTYPES: Dtypes = {"basis": np.float32, "families": np.float32, "head": np.float32}


def write_mood_space(space: MoodSpace, directory: Path) -> None:
    """Write the file into a bundle's directory."""
    write_arrays(directory / MOOD_SPACE, {name: getattr(space, name) for name in MOOD_SPACE_DTYPES})


def read_mood_space(bundle: Bundle) -> MoodSpace:
    """Read the file and check dtypes, shapes and values; BundleError names the file."""
    path = bundle.path(MOOD_SPACE)
    arrays = read_arrays(path, MOOD_SPACE_DTYPES)
    dimension, count = bundle.manifest.text_dimension, len(NAMES)
    directions = arrays["basis"].shape[0] if arrays["basis"].ndim else 0
    if not 1 <= directions <= dimension:
        raise BundleError(path, f"basis has {directions} directions, the embeddings {dimension} numbers")
    check_shapes(
        path,
        arrays,
        {"basis": (directions, dimension), "families": (count, dimension), "head": (dimension + 1, count + 1)},
    )
    check_finite(path, arrays)
    return MoodSpace(**arrays)
