"""The processor time that running processes have taken so far, and what went over loopback, from /proc."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_USER, _KERNEL, _CHILDREN_USER, _CHILDREN_KERNEL = 11, 12, 13, 14  # fields of /proc/PID/stat after the name
_TICKS = os.sysconf("SC_CLK_TCK")

Spent = Mapping[str, float]
"""Seconds, user and system together, by kind of process."""


def seconds_of(pid: int) -> float:
    """Of one process with all its threads."""
    fields = _fields(pid)
    return (fields[_USER] + fields[_KERNEL]) / _TICKS


def seconds_of_trees(pids: Iterable[int]) -> float:
    """Of processes, of their children, and of their children that have ended."""
    total = 0
    for pid in pids:
        fields = _fields(pid)
        total += sum(fields[_USER : _CHILDREN_KERNEL + 1])
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split():
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = _fields(int(child))
                total += fields[_USER] + fields[_KERNEL]
    return total / _TICKS


def less(later: Spent, earlier: Spent) -> dict[str, float]:
    """What was spent in between."""
    return {kind: seconds - earlier.get(kind, 0.0) for kind, seconds in later.items()}


def loopback_bytes() -> float:
    """What all processes of this machine have sent each other over loopback so far."""
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()
    line = next((line for line in lines if line.lstrip().startswith("lo:")), "lo: 0")
    return float(line.partition(":")[2].split()[0])


def resident_bytes(pid: int) -> int:
    """The memory of a process that lies in RAM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _fields(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    return [int(field) if field.lstrip("-").isdigit() else 0 for field in text.split()]
