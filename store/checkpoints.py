"""SQLite's checkpoints beside the writers: a thread moves the WAL into the database file.

By default the writer whose commit makes the WAL long does it before its commit returns, so one answer in a few waits
for two more syncs of the disk.
"""

import threading

from sqlalchemy import Engine

from store.engine import sqlite_driver
from store.errors import StoreUnavailableError

_PAUSE_SECONDS = 1.0  # between two checkpoints: a page that changed often in between is written once


class Checkpoints:
    """A thread that runs a passive checkpoint, which blocks nobody, soon after a write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_wanted, self._is_stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-checkpoints", daemon=True)
        self._thread.start()

    def soon(self) -> None:
        """Have a checkpoint run within a second or two."""
        self._is_wanted.set()

    def stop(self) -> None:
        """End the thread; the last connection that closes moves the rest of the WAL."""
        self._is_stopped.set()
        self._is_wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopped.wait(_PAUSE_SECONDS):
            self._is_wanted.wait()
            self._is_wanted.clear()
            if self._is_stopped.is_set():
                return
            try:
                with sqlite_driver(self._engine) as connection:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except StoreUnavailableError:  # a full disk: the next write says so
                continue
