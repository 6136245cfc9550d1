"""Coroutines that never wait, run on the thread that calls them."""

from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")


def run_at_once(coroutine: Coroutine[object, None, Result]) -> Result:
    """The result of a coroutine that never waits, run without an event loop on the calling thread.

    Raises RuntimeError if it does wait.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine waits: it needs an event loop")
