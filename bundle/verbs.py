"""The verbs of an interaction, by number, in every bundle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VERBS = ("view", "like", "inspire", "rating")
"""Order fixes the meaning of a verb's number in every bundle: append only."""


def verb_numbers(verbs: Sequence[str]) -> NDArray[np.int8]:
    """Numbers of verbs in VERBS; KeyError for an unknown one."""
    numbers = {verb: number for number, verb in enumerate(VERBS)}
    return np.array([numbers[verb] for verb in verbs], dtype=np.int8)
