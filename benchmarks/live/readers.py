"""Callers that ask for feeds in threads while something happens to the processes, and count every outcome."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.live.clients import Refusal, RefusedError, calling, reasons


@dataclass(slots=True)
class Feeds:
    """``answered`` counts feeds, of which ``degraded`` said why; ``refused`` counts failures; ``seconds`` are waits."""

    answered: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


class Reader(threading.Thread):
    """Asks one gateway for the feeds of known users, one after the other.

    ``pause`` may be set while it runs: seconds before each feed.
    """

    def __init__(self, name: str, address: str, usernames: Sequence[str]) -> None:
        super().__init__(name=name, daemon=True)
        self.feeds = Feeds()
        self.pause = 0.0
        self._address, self._usernames = address, usernames
        self._is_over = threading.Event()

    def stop(self) -> None:
        """Ask no more."""
        self._is_over.set()

    def run(self) -> None:
        """Ask until stopped."""
        number = 0
        with calling(self._address) as caller:
            while not self._is_over.is_set():
                number += 1
                self._is_over.wait(self.pause)
                started = time.perf_counter()
                try:
                    answer = caller.feed(self._usernames[number % len(self._usernames)])
                except RefusedError as error:
                    self.feeds.refused[error.refusal] += 1
                    time.sleep(0.02)
                    continue
                self.feeds.seconds.append(time.perf_counter() - started)
                self.feeds.answered += 1
                self.feeds.degraded.update(reasons(answer).values())


@contextmanager
def reading(readers: Sequence[Reader]) -> Iterator[None]:
    """Run readers while the block runs."""
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        for reader in readers:
            reader.stop()
        for reader in readers:
            reader.join()


def all_feeds(readers: Sequence[Reader]) -> Feeds:
    """What all of them were answered."""
    total = Feeds()
    for reader in readers:
        total.answered += reader.feeds.answered
        total.degraded += reader.feeds.degraded
        total.refused += reader.feeds.refused
        total.seconds += reader.feeds.seconds
    return total
