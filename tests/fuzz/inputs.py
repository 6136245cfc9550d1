"""How many inputs each fuzz test sends, and whether they are the same at each run.

MOODFEED_FUZZ_INPUTS is the number over all fuzz tests together; without it the suite sends few, the same at each run.
MOODFEED_FUZZ_SEED repeats a long run.
"""

import os
import random
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, seed, settings

VARIABLE = "MOODFEED_FUZZ_INPUTS"
SEED_VARIABLE = "MOODFEED_FUZZ_SEED"
IS_LONG = VARIABLE in os.environ
TOTAL = int(os.environ.get(VARIABLE, "2000"))
SEED = int(os.environ.get(SEED_VARIABLE, "0")) or random.randrange(1, 2**32)
BATCH = 8
"""Inputs of one Hypothesis example: they are sent side by side, and share what an example costs."""

_Test = TypeVar("_Test", bound=Callable[..., Any])


def fuzzed(share: float, *, batch: int = BATCH) -> Callable[[_Test], _Test]:
    """Give a test, whose every example sends ``batch`` inputs, its ``share`` of all inputs."""
    chosen = settings(
        max_examples=max(1, round(TOTAL * share / batch)),
        deadline=None,
        derandomize=not IS_LONG,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )

    def decorate(test: _Test) -> _Test:
        return seed(SEED)(chosen(test)) if IS_LONG else chosen(test)

    return decorate
