"""The variables that torchrun sets for each process of a training, checked before torch waits for a wrong one."""

import os

import typer

_LARGEST_PORT = 65_535


def processes_of_the_training() -> int:
    """How many train together, as WORLD_SIZE says; exit code 2 and the name of a variable that cannot be right.

    A process whose RANK is not below WORLD_SIZE would wait for others until it is killed.
    """
    size = _number("WORLD_SIZE", least=1)
    if _number("RANK", least=0) >= size:
        raise _wrong("RANK", f"must be below WORLD_SIZE, which is {size}: the first process is 0")
    if not os.environ.get("MASTER_ADDR"):
        raise _wrong("MASTER_ADDR", "must be the host of process 0")
    _number("MASTER_PORT", least=1, most=_LARGEST_PORT)
    if "LOCAL_RANK" in os.environ:
        _number("LOCAL_RANK", least=0)
    return size


def _number(name: str, *, least: int, most: int | None = None) -> int:
    try:
        value = int(os.environ.get(name, ""))
    except ValueError:
        value = least - 1
    if value < least or (most is not None and value > most):
        until = "" if most is None else f" and at most {most}"
        raise _wrong(name, f"must be a number of at least {least}{until}")
    return value


def _wrong(name: str, reason: str) -> typer.BadParameter:
    found = f"is {os.environ[name]!r} and" if name in os.environ else "is not set and"
    return typer.BadParameter(
        f"the variable {name} {found} {reason}. torchrun sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; "
        "without RANK and WORLD_SIZE, one process trains alone"
    )
