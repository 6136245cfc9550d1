"""Requests that wait while others are on their way, gathered into one call.

A call costs nearly as much for one as for several. So as long as few calls are out, a request is sent at once and
alone; when enough are, those that come meanwhile wait for the next to return, at most for a moment, and go together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MOST_TOGETHER = 8
LONGEST_WAIT_SECONDS = 0.01
"""After it a request is sent however many calls are out: one that hangs holds up nobody behind it."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    deadline: float  # by the loop's clock
    answer: asyncio.Future[Answer]


class Gathering(Generic[Item, Answer]):
    """Sends items alone or together; for one event loop.

    ``send`` answers 1 to MOST_TOGETHER items within some seconds, in their order, each with an answer or what is raised
    to whom it belongs; what it raises itself is raised to all. Only items of the same ``kind`` go together.
    ``most_calls`` says how many calls may be out before items wait.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item], float], Awaitable[Sequence[Answer | BaseException]]],
        *,
        kind: Callable[[Item], Hashable],
        most_calls: Callable[[], int],
    ) -> None:
        self._send = send
        self._kind = kind
        self._most_calls = most_calls
        self._calls = 0
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._overdue: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item, *, seconds: float) -> Answer:
        """The answer to ``item``; TimeoutError after ``seconds``, else whatever ``send`` raises."""
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Answer] = _Waiting(item, loop.time() + seconds, loop.create_future())
        if not self._waiting and self._calls < self._most_calls():
            await self._call([waiting])
            return waiting.answer.result()
        self._waiting.append(waiting)
        self._overdue = self._overdue or loop.call_later(LONGEST_WAIT_SECONDS, self._send_all)
        expiry = loop.call_later(seconds, _expire, waiting.answer)
        try:
            return await waiting.answer
        finally:
            expiry.cancel()

    async def _call(self, together: Sequence[_Waiting[Item, Answer]]) -> None:
        seconds = max(waiting.deadline for waiting in together) - asyncio.get_running_loop().time()
        self._calls += 1
        try:
            answers = await self._send([waiting.item for waiting in together], seconds)
        except Exception as error:  # noqa: BLE001 - it is raised to everyone who waits
            answers = [error] * len(together)
        finally:
            self._calls -= 1
            if self._waiting and self._calls < self._most_calls():
                self._send_some()
        for waiting, answer in zip(together, answers, strict=True):
            if waiting.answer.done():  # its time ran out, or nobody waits any more
                continue
            if isinstance(answer, BaseException):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)

    def _send_all(self) -> None:
        self._overdue = None
        while self._waiting:
            self._send_some()

    def _send_some(self) -> None:
        """Send the one that has waited longest, and others of its kind."""
        wanted = [waiting for waiting in self._waiting if not waiting.answer.done()]
        alike = [waiting for waiting in wanted if self._kind(waiting.item) == self._kind(wanted[0].item)]
        together = alike[:MOST_TOGETHER]
        self._waiting = [waiting for waiting in wanted if waiting not in together]
        if not self._waiting and self._overdue:
            self._overdue.cancel()
            self._overdue = None
        if together:
            task = asyncio.create_task(self._call(together))
            self._tasks.add(task)  # the loop itself keeps no task alive
            task.add_done_callback(self._tasks.discard)


def _expire(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
