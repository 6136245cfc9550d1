"""Addresses as operators write them, the same for a process that listens and for one that calls it."""

import fcntl
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FORMS = "host:port, [IPv6]:port, unix:PATH or unix-abstract:NAME"
_LARGEST_PORT = 65_535
_CONNECT_SECONDS = 1.0
_RESOLVERS = ("dns:///", "dns:", "ipv4:", "ipv6:")  # gRPC's names for what host:port means anyway


@dataclass(frozen=True, slots=True)
class HostAndPort:
    """A TCP address; the host is a name or an IP address without brackets, empty for every address of the machine."""

    host: str
    port: int

    @property
    def target(self) -> str:
        """The address as gRPC reads it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket of this machine: the path of a file, or a name in the abstract namespace of Linux."""

    name: str
    is_abstract: bool = False

    @property
    def target(self) -> str:
        """The address as gRPC reads it."""
        return f"unix-abstract:{self.name}" if self.is_abstract else f"unix:{self.name}"

    @property
    def bound_name(self) -> str:
        """The address as ``socket.bind`` and ``socket.connect`` take it."""
        return f"\0{self.name}" if self.is_abstract else self.name

    @property
    def is_loopback(self) -> bool:
        """Always true."""
        return True


Address = HostAndPort | UnixSocket


def read_address(text: str) -> Address:
    """Read an address in one of the FORMS; ValueError with a text that continues the name of a setting."""
    kind, _, rest = text.partition(":")
    if kind in {"unix", "unix-abstract"}:
        name = f"/{rest.lstrip('/')}" if rest.startswith("//") else rest  # unix:///PATH is the longer form
        if not name:
            raise ValueError(f"is not {FORMS}")
        return UnixSocket(name, is_abstract=kind == "unix-abstract")
    prefix = next((prefix for prefix in _RESOLVERS if text.startswith(prefix)), "")
    host, colon, port = text.removeprefix(prefix).rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT) or "/" in host:
        raise ValueError(f"is not {FORMS}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        ipaddress.IPv6Address(host)
    elif ":" in host:
        raise ValueError(f"is not {FORMS}: the brackets around an IPv6 address are missing")
    return HostAndPort(host, int(port))


def read_peer_address(text: str) -> Address:
    """Read the address of a process to call: one with a host and a port; ValueError."""
    address = read_address(text)
    if isinstance(address, HostAndPort) and not (address.host and address.port):
        raise ValueError("needs a host and a port above 0")
    return address


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``: localhost, or a loopback address with or without brackets."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


@contextmanager
def claimed(address: Address) -> Iterator[None]:
    """Keep other processes of ours from listening on the same file of a unix socket until the block ends.

    Other addresses need no claim: the kernel gives them to one process.
    """
    if not isinstance(address, UnixSocket) or address.is_abstract:
        yield
        return
    try:
        directory = os.open(Path(address.name).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield  # the directory cannot be read: listening then fails by itself, or runs without the claim
        return
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def is_answered(address: UnixSocket) -> bool:
    """Whether a process listens on the socket. To bind it again would take the socket away from that process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_SECONDS)
        try:
            probe.connect(address.bound_name)
        except TimeoutError:
            return True  # its backlog is full
        except OSError:
            return False
    return True
