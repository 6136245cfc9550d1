"""Run a command, and watch the resident memory of it and of all the processes that it starts."""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_SECONDS = 0.05


class CommandError(Exception):
    """A command failed or outgrew its memory: says how."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock and of processors, and the largest resident memory of all processes together, bytes."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


def run_watched(command: Sequence[str], *, most_bytes: int | None = None) -> Cost:
    """Run a command to its end; CommandError if it fails, or as soon as it holds more than ``most_bytes``.

    Memory is the sum of the resident pages of the processes, those of mapped files too, looked at twenty times a
    second; a page that two processes share counts twice. A peak between two looks is seen of the largest process alone,
    and only if it is above what this process has held itself.
    """
    started = time.monotonic()
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment,
        start_new_session=True,
    )  # fmt: skip
    watch = _Watch(child.pid, most_bytes)
    watch.start()
    try:
        assert child.stdout
        with child.stdout:
            output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        watch.ended.set()
        watch.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    # Linux leaves in a child what its parent held when it was started, so a smaller peak cannot be told from that.
    own_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = max(watch.peak, usage.ru_maxrss * 1024 if usage.ru_maxrss > own_peak else 0)
    said = f"{' '.join(command)}: {output[-2000:]}"
    if watch.is_over or (most_bytes is not None and peak > most_bytes):
        raise CommandError(f"{peak / 2**30:.2f} GiB are more than the {(most_bytes or 0) / 2**30:.2f} allowed: {said}")
    if child.returncode:
        raise CommandError(f"exit code {child.returncode}: {said}")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, peak, output)


class _Watch(threading.Thread):
    """Looks at a tree of processes until ``ended``, and kills it when it holds too much."""

    def __init__(self, root: int, most_bytes: int | None) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peak, self.is_over = 0, False
        self._root, self._most_bytes = root, most_bytes

    def run(self) -> None:
        while not self.ended.wait(_LOOK_SECONDS):
            self.peak = max(self.peak, sum(map(_resident_bytes, tree(self._root))))
            if self._most_bytes is not None and self.peak > self._most_bytes:
                self.is_over = True
                os.killpg(self._root, signal.SIGKILL)
                return


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                waiting.extend(map(int, children.read_text(encoding="ascii").split()))
            except OSError:  # it has ended
                continue
    return found


def _resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):  # it has ended
        return 0
