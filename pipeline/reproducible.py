"""What makes two trainings of the same data bit-identical: the order of sums, and the seed of each step."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils import deterministic


@contextmanager
def reproducible_arithmetic(device: str, *, threads: int) -> Iterator[None]:
    """A fixed number of threads and deterministic kernels: sums over another number differ in their last bits."""
    threads_before = torch.get_num_threads()
    fills = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    # Filling takes a fifth of a step, and nothing here reads memory that nobody wrote.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")  # CUDA lacks some of the kernels
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
        torch.set_num_threads(threads_before)


def batch_random(seed: int, epoch: int, step: int) -> np.random.Generator:
    """The generator of what is drawn while a step's batch is made.

    Every step has a generator of its own, so that a run can be resumed at any of them.
    """
    return np.random.default_rng((seed, epoch, 1 + step))


def seed_dropout(seed: int, epoch: int, step: int) -> None:
    """Seed what torch draws in a step."""
    torch.manual_seed(int(np.random.SeedSequence((seed, epoch, 1 + step, 1)).generate_state(1)[0]))
