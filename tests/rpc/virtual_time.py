"""An event loop whose clock jumps to the next timer, so that waiting takes no time and every time is exact."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._select = self._selector.select
        self._selector.select = self._jump

    def time(self) -> float:
        return self._now

    def _jump(self, timeout: float | None):
        assert timeout is not None, "nothing is left to wait for"
        self._now += timeout
        return self._select(0)


def run_in_virtual_time(main: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
