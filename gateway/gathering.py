"""Gather the items that arrive while calls are in flight, and send them in one call.

A call costs nearly as much for one item as for several. While few calls are in flight, an item is sent at once and
alone. Otherwise it waits until a call returns, LONGEST_WAIT_SECONDS at most, and is sent together with the others that
wait.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rpc.tracing import UNTRACED, Span, Untraced, context_with, current

MOST_TOGETHER = 8
LONGEST_WAIT_SECONDS = 0.01
"""An item that has waited this long is sent however many calls are in flight: a call that hangs delays no others."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    deadline: float  # by the loop's clock
    answer: asyncio.Future[Answer]
    span: Span | Untraced  # of whoever asks
    carrier: Span | Untraced = UNTRACED  # the span whose trace the call belongs to


class Gathering(Generic[Item, Answer]):
    """Sends items alone or together; for one event loop.

    ``send`` gets 1 to MOST_TOGETHER items and the seconds it may take. It returns, in their order, an answer for each
    item or the exception to raise for that item; an exception that it raises itself is raised for all of them. Only
    items of the same ``kind`` are sent together. ``most_calls`` returns how many calls may be in flight before items
    wait.
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
        """Return the answer to ``item``; raises TimeoutError after ``seconds``, or what ``send`` raises."""
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Answer] = _Waiting(item, loop.time() + seconds, loop.create_future(), current())
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
            waiting.span.link(waiting.carrier)

    async def _call(self, together: Sequence[_Waiting[Item, Answer]]) -> None:
        seconds = max(waiting.deadline for waiting in together) - asyncio.get_running_loop().time()
        self._calls += 1
        try:
            answers = await self._send([waiting.item for waiting in together], seconds)
        except Exception as error:  # noqa: BLE001 - it is raised for every item
            answers = [error] * len(together)
        finally:
            self._calls -= 1
            if self._waiting and self._calls < self._most_calls():
                self._send_some()
        for waiting, answer in zip(together, answers, strict=True):
            if waiting.answer.done():  # it timed out or was cancelled
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
        """Send the item that has waited longest, and others of its kind."""
        wanted = [waiting for waiting in self._waiting if not waiting.answer.done()]
        alike = [waiting for waiting in wanted if self._kind(waiting.item) == self._kind(wanted[0].item)]
        together = alike[:MOST_TOGETHER]
        self._waiting = [waiting for waiting in wanted if waiting not in together]
        if not self._waiting and self._overdue:
            self._overdue.cancel()
            self._overdue = None
        if together:
            carrier = next((waiting.span for waiting in together if waiting.span), UNTRACED)
            for waiting in together:
                waiting.carrier = carrier
            task = asyncio.create_task(self._call(together), context=context_with(carrier))
            self._tasks.add(task)  # the loop itself does not keep a task alive
            task.add_done_callback(self._tasks.discard)


def _expire(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
