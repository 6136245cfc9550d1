"""Describes the machine that a benchmark runs on, and measures its memory and arithmetic."""

import os
import platform
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

_READ_BYTES = 512 << 20
_GEMM = 512
PACKAGES = ("grpcio", "protobuf", "numpy", "faiss-cpu", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures depend on; the rates are those of one thread."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    versions: dict[str, str]
    read_bytes_per_second: float
    gemm_operations_per_second: float


def describe_machine() -> Machine:
    """Read the facts from the system and measure the rates."""
    memory = next(
        line for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines() if line.startswith("MemTotal")
    )
    processors = [
        line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")
    ]
    return Machine(
        processor=processors[0].partition(":")[2].strip() if processors else platform.processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(int(memory.split()[1]) / 2**20, 1),
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        versions={name: version(name) for name in PACKAGES},
        read_bytes_per_second=_read_speed(),
        gemm_operations_per_second=_gemm_speed(),
    )


def _read_speed() -> float:
    """Sum a block too large for any cache."""
    block = np.ones(_READ_BYTES // 8, dtype=np.int64)
    return _READ_BYTES / _median_seconds(block.sum)


def _gemm_speed() -> float:
    left, right = (np.random.default_rng(seed).random((_GEMM, _GEMM), dtype=np.float32) for seed in (0, 1))
    return 2 * _GEMM**3 / _median_seconds(lambda: left @ right)


def _median_seconds(work: object, rounds: int = 7) -> float:
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()  # type: ignore[operator]
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
