"""Texts to embeddings in several processes of one thread each, which share out the batches of one process."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mood_encoder.runtime import TextEncoder

MakeEncoder = Callable[[], TextEncoder]
_WAITING = 2  # batches a process, so that none is idle


class EncodingProcessError(Exception):
    """A process that embeds texts has ended early: says what is kept, and what to do."""


@dataclass(frozen=True, slots=True)
class EncodingProcesses:
    """Processes that have read an encoder each."""

    executor: ProcessPoolExecutor
    count: int

    def encode(self, batches: Iterator[Sequence[str]]) -> Iterator[NDArray[np.float32]]:
        """The embeddings of each batch, in the order of the batches; EncodingProcessError if a process is lost."""
        running: deque[Future[NDArray[np.float32]]] = deque()
        try:
            for batch in batches:
                running.append(_submitted(self.executor, batch))
                if len(running) >= _WAITING * self.count:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool:
            raise EncodingProcessError(
                "a process that embeds texts was ended, by a signal or for want of memory: what it had not finished is "
                "lost, the rest is kept; run the same command again, with fewer --processes if memory is short"
            ) from None


@contextmanager
def encoding_processes(count: int, make_encoder: MakeEncoder) -> Iterator[EncodingProcesses]:
    """Processes that read an encoder by ``make_encoder``, which must be picklable; none is left after the block.

    They start with the first batches. However the block ends, also by Ctrl-C, the processes are ended with it. They end
    by themselves if this one is lost.
    """
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_start, initargs=(make_encoder,)
    )
    try:
        yield EncodingProcesses(executor, count)
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()  # a batch takes seconds, and nobody waits for its end
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _submitted(executor: ProcessPoolExecutor, batch: Sequence[str]) -> Future[NDArray[np.float32]]:
    """Submit a batch so that Ctrl-C in a terminal is for this process alone, which ends the others.

    Each of the first batches starts a process, which inherits what is blocked. A handler of its own would be set too
    late for a Ctrl-C while it starts.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return executor.submit(_encode, batch)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_encoder: TextEncoder | None = None  # of a process that embeds


def _start(make_encoder: MakeEncoder) -> None:
    """Read the encoder."""
    global _encoder  # noqa: PLW0603 - what an initializer leaves behind
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _encoder = make_encoder()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _encode(texts: Sequence[str]) -> NDArray[np.float32]:
    if _encoder is None:
        raise RuntimeError("the process has no encoder")
    return _encoder.encode(texts)
