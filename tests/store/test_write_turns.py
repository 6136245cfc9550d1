"""Group commit: who is written together, and who hears of a failure."""

import linecache
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from store import write_turns as module
from store.errors import StoreUnavailableError
from store.write_turns import WriteTurns
from tests.waiting import wait_until


class HeldWrite:
    """Keeps each turn until the test lets it go, and then fails the first of them with ``error``."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.turns: list[Sequence[str]] = []
        self.write_turns: WriteTurns[str, str] = WriteTurns(self._write, size=len, most=2, turn=threading.Lock())

    def _write(self, items: Sequence[str]) -> Sequence[str]:
        self.turns.append(items)
        self.has_begun.set()
        assert self.may_end.wait(20)
        error, self.error = self.error, None
        if error is not None:
            raise error
        return [item.upper() for item in items]

    def submit_one_and_then(self, pool: ThreadPoolExecutor, others: Sequence[str]):
        first = pool.submit(self.write_turns.submit, "a")
        assert self.has_begun.wait(20)
        rest = [pool.submit(self.write_turns.submit, item) for item in others]
        wait_until(lambda: len(self.write_turns._waiting) == len(others))
        self.may_end.set()
        return [first, *rest]


def test_those_who_wait_are_written_together_up_to_the_limit() -> None:
    held = HeldWrite(error=None)
    with ThreadPoolExecutor(4) as pool:
        calls = held.submit_one_and_then(pool, ["b", "c", "d"])
        assert [call.result(20) for call in calls] == ["A", "B", "C", "D"]
    assert sorted(map(len, held.turns)) == [1, 1, 2]


def test_a_store_that_is_away_is_away_for_all_who_wait_and_none_of_them_waits_again() -> None:
    held = HeldWrite(error=StoreUnavailableError("the store is busy"))
    with ThreadPoolExecutor(4) as pool:
        calls = held.submit_one_and_then(pool, ["b", "c", "d"])
        assert [str(call.exception(20)) for call in calls] == ["the store is busy"] * 4
        assert held.turns == [["a"]]
        assert held.write_turns.submit("e") == "E"


def test_an_error_of_some_items_is_that_of_their_turn_only() -> None:
    held = HeldWrite(error=ValueError("a cannot be written"))
    with ThreadPoolExecutor(4) as pool:
        first, *others = held.submit_one_and_then(pool, ["b", "c"])
        assert isinstance(first.exception(20), ValueError)
        assert [call.result(20) for call in others] == ["B", "C"]


def test_callers_who_come_again_at_once_are_written_together_and_not_one_by_one() -> None:
    callers, calls = 16, 20
    turns: list[int] = []

    def write(items: Sequence[str]) -> Sequence[str]:
        turns.append(len(items))
        time.sleep(0.005)  # as a commit does, in which the others run
        return items

    write_turns: WriteTurns[str, str] = WriteTurns(write, size=len, most=1_000, turn=threading.Lock())

    def call_again_and_again(name: str) -> None:
        for _ in range(calls):
            assert write_turns.submit(name) == name

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call_again_and_again, "abcdefghijklmnop"))
    assert sum(turns) == callers * calls
    assert len(turns) < callers * calls / 4


def test_ctrl_c_at_any_line_of_a_write_keeps_nobody_else_waiting() -> None:
    lines = 0

    def interrupted_at(place: int, write_turns: WriteTurns[str, str]) -> str:
        nonlocal lines
        lines = 0

        def trace(frame: FrameType, event: str, _: object):
            nonlocal lines
            if frame.f_code.co_filename != module.__file__:
                return None
            if event == "line" and not linecache.getline(module.__file__, frame.f_lineno).strip().startswith("with "):
                lines += 1  # Python hears no signal between the end of a with block and the release of its lock
                if lines == place:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            return write_turns.submit("a")
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            sys.settrace(None)

    place = 0
    while place <= lines:
        place += 1
        write_turns: WriteTurns[str, str] = WriteTurns(
            lambda items: [item.upper() for item in items], size=len, most=9, turn=threading.Lock()
        )
        answers = {interrupted_at(place, write_turns)}
        assert answers <= {"A", "interrupted"}
        other = threading.Thread(target=lambda: answers.add(write_turns.submit("b")), daemon=True)  # noqa: B023
        other.start()
        other.join(20)
        assert "B" in answers, place
    assert place > 20
