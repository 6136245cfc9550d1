"""The newest events are filed beside the writers: a thread takes its turn among them, for one part at a time."""

import threading
from contextlib import suppress

from store.errors import StoreUnavailableError
from store.sql_writer import SqlWriter


class Filing:
    """A thread that begins with the first part that is due."""

    def __init__(self, writer: SqlWriter) -> None:
        self._writer = writer
        self._is_wanted, self._is_stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def soon(self) -> None:
        """Have what is due filed; called by the thread whose turn it is to write."""
        self._is_wanted.set()
        if (self._thread is None or not self._thread.is_alive()) and not self._is_stopped.is_set():
            thread = threading.Thread(target=self._run, name="store-filing", daemon=True)
            with suppress(RuntimeError):  # no thread can be started: the writers file (RecentEvents.is_behind)
                thread.start()
                self._thread = thread

    def stop(self) -> None:
        """End the thread; what it has not filed is filed later, by whoever records then."""
        self._is_stopped.set()
        self._is_wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._is_wanted.wait() and not self._is_stopped.is_set():
            self._is_wanted.clear()
            try:
                while not self._is_stopped.is_set() and self._writer.recent.is_due:
                    self._file_part()
            except StoreUnavailableError:  # the next write says why
                continue

    def _file_part(self) -> None:
        recent = self._writer.recent
        with self._writer.turn:
            with self._writer.transaction() as (connection, before):
                recent.catch_up(connection, before)
                head = recent.file_part(connection, before)
            recent.filed(before, head)
