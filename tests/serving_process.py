"""A process of the product that a test has started itself."""

import subprocess
import time
from pathlib import Path


def wait_until_log_says_serving(process: subprocess.Popen[bytes], log: Path, *, seconds: float) -> None:
    """Block until the log of a process says that it serves; AssertionError if it ends or the time is over."""
    deadline = time.monotonic() + seconds
    while '"serving"' not in log.read_text(encoding="utf-8"):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)
