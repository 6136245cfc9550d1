"""A real Milvus server on this machine, as tests and measurements start it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-scale" / "bin" / "python"
_STOP_SECONDS = 15.0


class MilvusProcess:
    """The server of one directory; it can be killed, and started again with what it has kept."""

    def __init__(self, directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Nothing runs before ``start``; by default a free port is taken. ``settings`` are those of milvus.yaml."""
        self._directory = directory
        self._settings = [f"{name}={value}" for name, value in (settings or {}).items()]
        self.port = port or _free_port()
        self._runner: subprocess.Popen[str] | None = None
        self.pid = 0

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it and wait until it serves; returns the seconds.

        RuntimeError if it does not come up.
        """
        started = time.monotonic()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._runner = subprocess.Popen(
            [
                str(PYTHON),
                str(ROOT / "scripts" / "run_milvus.py"),
                str(self._directory),
                str(self.port),
                *self._settings,
            ],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._runner.stdout is not None
        line = self._runner.stdout.readline()
        if not line.strip():
            self.stop()
            raise RuntimeError(f"Milvus did not start: see {self._directory}/logs")
        self.pid = int(line)
        return time.monotonic() - started

    def kill(self) -> None:
        """End the server as a power cut does."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._runner is not None and self._runner.poll() is None:
            self._runner.terminate()
            self._wait()

    def resident_bytes(self) -> int:
        """The memory that it holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        assert self._runner is not None
        assert self._runner.stdout is not None
        try:
            self._runner.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._runner.kill()
            self._runner.wait()
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._runner.stdout.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
