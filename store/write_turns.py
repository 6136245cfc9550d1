"""Whoever writes takes turns: calls that wait together are written together, in one durable transaction."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Condition, Lock
from typing import Generic, TypeVar

from store.errors import StoreUnavailableError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Call(Generic[_Item, _Answer]):
    item: _Item
    answer: _Answer | None = None
    error: BaseException | None = None
    is_done: bool = False


class WriteTurns(Generic[_Item, _Answer]):
    """Group commit: the caller whose turn it is writes what all waiting callers brought.

    ``write`` gets the items of one turn and gives one answer an item, never None; if it raises, all of them get the
    error. Of a StoreUnavailableError also those that wait meanwhile: each has a deadline, and would wait as long again.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Item]], Sequence[_Answer]],
        *,
        size: Callable[[_Item], int],
        most: int,
        turn: Lock,
    ) -> None:
        """``turn`` is also taken by whatever else writes, so that this process does not wait for itself."""
        self._write = write
        self._size = size
        self._most = most  # in one turn, but at least one item
        self._waiting: deque[_Call[_Item, _Answer]] = deque()
        self._turn = turn
        self._ended = Condition()  # notified when a turn has ended
        self._writer: _Call[_Item, _Answer] | None = None  # whose turn it is
        self._group: list[_Call[_Item, _Answer]] = []  # what is written in this turn

    def submit(self, item: _Item) -> _Answer:
        """Write an item, alone or with others; gives its answer once the transaction is durable."""
        call: _Call[_Item, _Answer] = _Call(item)
        self._waiting.append(call)
        try:
            while self._takes_a_turn(call):
                with self._turn:
                    self._write_together()
                self._end_turn(call)
        finally:
            self._end_turn(call)  # of a caller that Ctrl-C has hit anywhere above
        if call.error is not None:
            raise call.error
        if call.answer is None:
            raise StoreUnavailableError("the write was interrupted")
        return call.answer

    def _takes_a_turn(self, call: _Call[_Item, _Answer]) -> bool:
        """Wait until the call is done or nobody writes; True if it is now up to this caller to write.

        Who has been written waits for no other turn. So those who come again at once are all there for the next one.
        """
        with self._ended:
            self._ended.wait_for(lambda: call.is_done or self._writer is None)
            if call.is_done:
                return False
            self._writer = call
            return True

    def _end_turn(self, call: _Call[_Item, _Answer]) -> None:
        with self._ended:
            if self._writer is call:
                for each in self._group:
                    each.is_done = True
                self._group = []
                self._writer = None
                self._ended.notify_all()

    def _take_next(self) -> list[_Call[_Item, _Answer]]:
        group, size = self._group, 0
        while self._waiting and (not group or size + self._size(self._waiting[0].item) <= self._most):
            size += self._size(self._waiting[0].item)
            group.append(self._waiting.popleft())
        return group

    def _write_together(self) -> None:
        try:
            group = self._take_next()
            for call, answer in zip(group, self._write([call.item for call in group]), strict=True):
                call.answer = answer
        except BaseException as error:
            if isinstance(error, StoreUnavailableError):
                self._group.extend(self._all_waiting())
            for call in self._group:
                call.error = error
            if not isinstance(error, Exception):  # Ctrl-C of the thread whose turn it is
                raise

    def _all_waiting(self) -> Iterator[_Call[_Item, _Answer]]:
        while self._waiting:
            yield self._waiting.popleft()
