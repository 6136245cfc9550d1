"""The processes that train together: which one this is, and what they tell each other.

Every process holds the same towers. Of each batch it makes its own part, and the sums over all parts are those of one
process, but for rounding. A method here must be called by all of them, in the same order.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed
from torch.distributed import distributed_c10d
from torch.distributed.rendezvous import rendezvous

LONGEST_JOIN = timedelta(minutes=2)
"""For the processes to connect, once each has started. gloo loses a connection now and then, and waits for it."""
LONGEST_SILENCE = timedelta(minutes=30)
"""For one process to wait for another: the first one ranks and writes files meanwhile."""

_Result = TypeVar("_Result")
_LOOK_SECONDS = 0.2


class RanksError(Exception):
    """The processes cannot train together: says why."""


class LostRanksError(RanksError):
    """Another process has ended; if all are started again, they can go on."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Number ``rank`` of ``size`` processes; alone by default, and then no method waits for anybody."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and tells of the progress."""
        return self.rank == 0

    def part_of(self, count: int) -> slice:
        """The rows of this process, of ``count`` rows in one piece a process; the pieces differ by one row at most."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum(self, values: Tensor) -> Tensor:
        """The sums over all processes, in place."""
        if self.size > 1:
            _together(lambda: distributed.all_reduce(values))
        return values

    def any(self, is_so: bool) -> bool:
        """Whether it is so in any of the processes."""
        return bool(self.sum(torch.tensor([float(is_so)], device=self.device))) if self.size > 1 else is_so

    def gather(self, rows: Tensor, count: int) -> Tensor:
        """All [count, width] rows, of which each process has its ``part_of``; gradients go back to those who have them.

        The gradient of a row is the sum of what all processes find.
        """
        if self.size == 1:
            return rows
        return cast("Tensor", _Gathered.apply(rows, self, count))  # type: ignore[no-untyped-call]

    def gather_each(self, rows: Tensor) -> list[Tensor]:
        """The rows [rows, ...] of every process, in the order of the processes; each has its own number of rows."""
        if self.size == 1:
            return [rows]
        counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(self.size)]
        _together(lambda: distributed.all_gather(counts, counts[0].new_tensor([len(rows)])))
        return self._gather_padded(rows, [int(count) for count in counts])

    def refuse_differences(self, tensors: Iterable[Tensor], *, what: str) -> None:
        """RanksError unless the tensors have the same bits in all processes."""
        if self.size == 1:
            return
        digest = hashlib.sha256()
        for tensor in tensors:
            digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().data)
        mine = torch.frombuffer(bytearray(digest.digest()), dtype=torch.int64).to(self.device)
        if any(not torch.equal(mine, other) for other in self.gather_each(mine)):
            raise RanksError(what)

    def refuse_other_facts(self, facts: Mapping[str, object], *, what_to_do: str) -> None:
        """RanksError, with each fact that differs and its values, unless all processes state the same ``facts``.

        A fact is what JSON can hold. Where processes would do different work, their messages would not fit one another.
        """
        if self.size == 1:
            return
        mine = torch.frombuffer(bytearray(json.dumps(facts).encode()), dtype=torch.uint8).to(self.device)
        stated = [json.loads(bytes(rows.cpu().numpy())) for rows in self.gather_each(mine)]
        names = sorted({name for each in stated for name in each})
        differing = [name for name in names if any(each.get(name) != stated[0].get(name) for each in stated)]
        if differing:
            told = (
                f"{name} is " + " and ".join(f"{each.get(name)} in process {rank}" for rank, each in enumerate(stated))
                for name in differing
            )
            raise RanksError(f"the processes differ: {'; '.join(told)}. {what_to_do}")

    def _gather_padded(self, rows: Tensor, counts: Sequence[int]) -> list[Tensor]:
        """``rows`` of all processes; as a message has one size, the shorter ones are filled up with zeros."""
        padded = rows.new_zeros(max(counts), *rows.shape[1:])
        padded[: len(rows)] = rows
        found = [torch.empty_like(padded) for _ in counts]
        _together(lambda: distributed.all_gather(found, padded))
        return [piece[:count] for piece, count in zip(found, counts, strict=True)]


ALONE = Ranks()
"""One process."""


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor, ranks: Ranks, count: int) -> Tensor:
        context.ranks, context.count = ranks, count
        parts = [Ranks(rank, ranks.size).part_of(count) for rank in range(ranks.size)]
        return torch.cat(ranks._gather_padded(rows, [part.stop - part.start for part in parts]))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        ranks, (gradient,) = context.ranks, gradients
        return ranks.sum(gradient.contiguous())[ranks.part_of(context.count)], None, None


def _together(talk: Callable[[], _Result]) -> _Result:
    """LostRanksError where another process has ended: its connection is closed."""
    try:
        return talk()
    except RuntimeError as error:
        raise LostRanksError("another process of this training has ended") from error


def _while_signals_are_heard(wait: Callable[[], None]) -> None:
    """Wait in another thread: the others may not come for minutes, and torch's own wait hears no signal."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            wait()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_SECONDS)
    if errors:
        raise errors[0]


def _join(backend: str, longest: timedelta) -> None:
    """Join the other processes of this start.

    An agent of torchrun keeps one store for all its starts. There the addresses of the start before are still to be
    read, until the processes of this one have written theirs over them, so each start has a place of its own.
    """
    store, rank, size = next(iter(rendezvous("env://", timeout=longest)))
    store.set_timeout(longest)
    if os.environ.get("GROUP_WORLD_SIZE") == "1":  # the agents of several machines count their starts each by itself
        store = distributed_c10d.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=longest)


@contextmanager
def joined_ranks(
    device: str, *, join: timedelta = LONGEST_JOIN, silence: timedelta = LONGEST_SILENCE
) -> Iterator[Ranks]:
    """Join the processes that torchrun started, as its environment variables say, until the block ends.

    They talk by gloo, or by NCCL with ``device`` "cuda", where each takes the GPU of its number on this machine.
    RanksError if there are fewer GPUs. LostRanksError if they do not find one another within ``join``, and whenever one
    waits longer than ``silence`` for the others.
    """
    if device != "cpu":
        number = int(os.environ.get("LOCAL_RANK", "0"))
        if number >= torch.cuda.device_count():
            raise RanksError(f"process {number} of this machine has no GPU: there are {torch.cuda.device_count()}")
        device = f"cuda:{number}"
        torch.cuda.set_device(number)
    backend = "gloo" if device == "cpu" else "nccl"
    try:
        _while_signals_are_heard(lambda: _join(backend, join))
    except (RuntimeError, ValueError) as error:
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise LostRanksError(
            f"the processes do not find one another at {place}, which MASTER_ADDR and MASTER_PORT name: "
            "another one has ended or never started, or the port is in use"
        ) from error
    distributed_c10d._set_pg_timeout(silence)  # the public way sets both at once
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
