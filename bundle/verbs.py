"""The verbs of interactions, and the numbers that stand for them in a bundle."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VERBS = ("view", "like", "inspire", "rating")
"""A verb is stored as its position in this tuple: append only."""


def verb_numbers(verbs: Sequence[str]) -> NDArray[np.int8]:
    """The positions of verbs in VERBS, int8 [verbs]; KeyError for an unknown verb."""
    numbers = {verb: number for number, verb in enumerate(VERBS)}
    return np.array([numbers[verb] for verb in verbs], dtype=np.int8)
