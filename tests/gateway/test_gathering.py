"""What goes alone, what goes together, and that nothing waits for long."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.gathering import LONGEST_WAIT_SECONDS, MOST_TOGETHER, Gathering
from rpc.tracing import NO_TRACER, UNTRACED, Span, Tracer, Untraced, current


class Peer:
    """Answers each item by itself in upper case, and every call only when it is let; "bad" has an error of its own."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_answer: list[asyncio.Event] = []
        self.failure: Exception | None = None
        self._called = asyncio.Condition()

    async def send(self, items: Sequence[str], seconds: float) -> list[str | BaseException]:
        assert seconds > 0
        may_answer = asyncio.Event()
        async with self._called:
            self.calls.append(list(items))
            self.may_answer.append(may_answer)
            self._called.notify_all()
        await may_answer.wait()
        if self.failure:
            raise self.failure
        return [ValueError(item) if item == "bad" else item.upper() for item in items]

    async def has_calls(self, count: int) -> None:
        async with self._called:
            await asyncio.wait_for(self._called.wait_for(lambda: len(self.calls) >= count), 10)


Told = Callable[[Peer, Gathering[str, str]], Awaitable[None]]


def with_a_peer(told: Told) -> None:
    async def run() -> None:
        peer = Peer()
        await told(peer, Gathering(peer.send, kind=lambda item: item[:1].isdigit(), most_calls=lambda: 1))

    asyncio.run(run())


def asked(gathering: Gathering[str, str], *items: str, seconds: float = 10) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(gathering.ask(item, seconds=seconds)) for item in items]


def test_who_comes_while_a_call_is_out_goes_with_the_next_and_gets_its_own_answer() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        tasks = asked(gathering, "a", "b", "c", "d")
        await peer.has_calls(1)
        assert peer.calls == [["a"]]
        peer.may_answer[0].set()
        await peer.has_calls(2)
        peer.may_answer[1].set()
        assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]
        assert peer.calls == [["a"], ["b", "c", "d"]]

    with_a_peer(told)


def test_a_call_that_hangs_holds_up_nobody_behind_it() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        hanging, *others = asked(gathering, "hangs", *"abcdefghijkl")
        started = asyncio.get_running_loop().time()
        await peer.has_calls(3)
        assert asyncio.get_running_loop().time() - started >= LONGEST_WAIT_SECONDS / 2
        for may_answer in peer.may_answer[1:]:
            may_answer.set()
        assert await asyncio.gather(*others) == list("ABCDEFGHIJKL")
        assert [len(call) for call in peer.calls] == [1, MOST_TOGETHER, 12 - MOST_TOGETHER]
        assert not hanging.done()
        hanging.cancel()

    with_a_peer(told)


def test_only_items_of_one_kind_go_together() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        tasks = asked(gathering, "a", "1", "b", "2")
        for count in (1, 2, 3):
            await peer.has_calls(count)
            peer.may_answer[count - 1].set()
        assert await asyncio.gather(*tasks) == ["A", "1", "B", "2"]
        assert peer.calls == [["a"], ["1", "2"], ["b"]]

    with_a_peer(told)


def test_an_error_of_one_is_its_own_and_an_error_of_the_call_is_everyones() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        first, bad, good = asked(gathering, "a", "bad", "good")
        await peer.has_calls(1)
        peer.may_answer[0].set()
        await peer.has_calls(2)
        lost = asked(gathering, "b", "c")
        peer.may_answer[1].set()
        assert (await first, await good) == ("A", "GOOD")
        with pytest.raises(ValueError, match="bad"):
            await bad
        await peer.has_calls(3)
        peer.failure = ConnectionError("gone")
        peer.may_answer[2].set()
        assert [str(error) for error in await asyncio.gather(*lost, return_exceptions=True)] == ["gone", "gone"]
        peer.failure = None
        (after,) = asked(gathering, "d")
        await peer.has_calls(4)
        peer.may_answer[3].set()
        assert await after == "D"

    with_a_peer(told)


def test_who_waits_no_longer_is_not_sent() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        (out,) = asked(gathering, "out")
        (late,) = asked(gathering, "late", seconds=LONGEST_WAIT_SECONDS / 10)
        left, stays = asked(gathering, "left", "stays")
        await peer.has_calls(1)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        with pytest.raises(TimeoutError):
            await late
        peer.may_answer[0].set()
        await peer.has_calls(2)
        peer.may_answer[1].set()
        assert (await out, await stays) == ("OUT", "STAYS")
        assert peer.calls == [["out"], ["stays"]]

    with_a_peer(told)


def test_who_is_cancelled_while_out_leaves_room_for_the_next() -> None:
    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        out, waiting = asked(gathering, "out", "waiting")
        await peer.has_calls(1)
        out.cancel()
        await peer.has_calls(2)
        peer.may_answer[1].set()
        assert await waiting == "WAITING"
        next_ones = asked(gathering, "alone", "after")
        await peer.has_calls(3)
        peer.may_answer[2].set()
        await peer.has_calls(4)
        peer.may_answer[3].set()
        assert await asyncio.gather(*next_ones) == ["ALONE", "AFTER"]
        assert peer.calls[2:] == [["alone"], ["after"]]  # nothing counts as out that is not

    with_a_peer(told)


def test_a_call_for_several_belongs_to_the_first_trace_and_the_others_link_to_it() -> None:
    ended: list[Span] = []
    carried_by: list[object] = []
    tracer = Tracer(ended.append, ratio=1.0)

    async def told(peer: Peer, gathering: Gathering[str, str]) -> None:
        send = peer.send

        async def noting(items: Sequence[str], seconds: float) -> list[str | BaseException]:
            carried_by.append(current())
            return await send(items, seconds)

        gathering._send = noting  # type: ignore[method-assign]

        async def ask_in(trace: Tracer, item: str) -> Span | Untraced:
            with trace.request(item) as span:
                await gathering.ask(item, seconds=10)
            return span

        tasks = [
            asyncio.create_task(ask_in(trace, item))
            for trace, item in ((tracer, "a"), (NO_TRACER, "b"), (tracer, "c"), (tracer, "d"))
        ]
        await peer.has_calls(1)
        peer.may_answer[0].set()
        await peer.has_calls(2)
        peer.may_answer[1].set()
        first, untraced, second, third = await asyncio.gather(*tasks)
        assert peer.calls == [["a"], ["b", "c", "d"]]
        assert carried_by == [first, second]
        assert isinstance(first, Span)
        assert isinstance(second, Span)
        assert isinstance(third, Span)
        assert untraced is UNTRACED
        assert (first.links, second.links) == ([], [])
        assert third.links == [(second.recording.trace_id, second.span_id)]

    with_a_peer(told)
