"""Wait until the processes that were started serve, for as long as their logs say something new."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.gateway_access import https_context
from cli.terminal_text import printable
from rpc.addresses import UnixSocket, read_address
from rpc.probe import is_serving
from rpc.supervisor import Bond
from rpc.tls import ClientTls

POLL_SECONDS = 0.1

_SAY_SECONDS = 10.0


class StackError(Exception):
    """A process did not start or did not stay up: says which, quotes its last line of log and names the file."""


@dataclass(frozen=True, slots=True)
class ProcessLog:
    """What a process of this stack wrote: the file holds the lines of earlier ones too, before ``start``."""

    path: Path
    start: int

    def size(self) -> int:
        """How many bytes the file holds."""
        return self.path.stat().st_size

    def last_line(self) -> str:
        """The last line, in plain words."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return _in_plain_words(lines[-1]) if lines else "it wrote nothing"

    def last_words(self) -> str:
        """The last line, in plain words, and where the others are."""
        return f"{self.last_line()} (full log: {self.path})"


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """A process of the product that was started; it may not serve yet."""

    name: str
    health_address: str
    process: subprocess.Popen[bytes]
    bond: Bond
    log: ProcessLog

    def wait_until_serving(
        self,
        tls: ClientTls | None,
        *,
        beside: "Sequence[StartedProcess]" = (),
        patience_seconds: float,
        say: Callable[[str], None],
    ) -> None:
        """Wait until it serves; ``say`` is told every ten seconds what it is doing.

        Raises StackError if it or one of those ``beside`` it ends, or if its log says nothing new for
        ``patience_seconds``.
        """
        heard, heard_at = self.log.size(), time.monotonic()
        said_at = heard_at
        while time.monotonic() - heard_at < patience_seconds:
            for started in (self, *beside):
                started.raise_if_ended()
            # Another stack may answer at the address: only what this very process says counts.
            if self.bond.is_serving() and is_serving(self.health_address, timeout_seconds=1, tls=tls):
                return
            time.sleep(POLL_SECONDS)
            if (size := self.log.size()) != heard:
                heard, heard_at = size, time.monotonic()
            if time.monotonic() - said_at >= _SAY_SECONDS:
                said_at = time.monotonic()
                say(printable(f"Waiting for {self.name}: {self.log.last_line()}"))
        raise StackError(
            f"{self.name} at {self.health_address} did not become SERVING in time: {self.log.last_words()}"
        )

    def raise_if_ended(self) -> None:
        """Raise StackError if the process has ended."""
        code = self.process.poll()
        if code is None:
            return
        end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        raise StackError(f"{self.name} {end}: {self.log.last_words()}")


def wait_until_whole(http_address: str, tls: ClientTls | None, *, deadline: float) -> None:
    """Wait until the gateway has found every service; before that it may answer with degraded feeds."""
    scheme, verify = ("http", False) if tls is None else ("https", https_context(tls))
    address = read_address(http_address)
    host, socket_name = ("localhost", address.bound_name) if isinstance(address, UnixSocket) else (address.target, None)
    url = f"{scheme}://{host}/readyz"
    own = httpx.HTTPTransport(verify=verify, uds=socket_name, trust_env=False)
    with httpx.Client(transport=own, timeout=1, trust_env=False) as client:  # no proxy stands before our own process
        while time.monotonic() < deadline:
            try:
                if not client.get(url).json()["degraded"]:
                    return
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(POLL_SECONDS)
    raise StackError(f"the gateway at {http_address} did not find the user tower service in time")


def _in_plain_words(line: str) -> str:
    """What a line of a log says, without the form that programs need."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    words = ": ".join(str(fields[name]) for name in ("event", "reason") if fields.get(name))
    match fields:
        case {"read": int(read), "newest": int(newest)}:
            words += f", at position {read:,} of {newest:,}"
    return words
