"""Start a Milvus server of the package `milvus` until this process is stopped; it runs in .venv-scale.

    .venv-scale/bin/python scripts/run_milvus.py DIRECTORY PORT [NAME=VALUE ...]

It keeps its data and logs in the directory, and prints a line when it serves: the process id of the server. Names are
settings of milvus.yaml, as dataCoord.segment.maxSize.

Milvus 2.3.5 binds to all interfaces, with no setting against it, and its etcd to a port that cannot be set. So the
server runs in a network namespace of its own, which has no interface but loopback, and this process listens on
127.0.0.1 and passes bytes on. That needs Linux, and root or user namespaces; where it cannot be had, the server runs
without, a warning says so, and the machine runs one at a time.
"""

import ctypes
import os
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # of unshare(2)
_READ_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # of netdevice(7)
_ETCD_PORT = 2380
_CHUNK = 1 << 18  # bytes


def main(directory: Path, port: int, settings: dict[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; 1 if the server ends by itself, or cannot start."""
    from milvus import MilvusServer, MilvusServerConfig  # type: ignore[import-not-found]  # noqa: PLC0415 - of another environment

    outside = socket.create_server(("127.0.0.1", port), backlog=64)
    is_alone = _enter_network_namespace()
    if not is_alone:
        outside.close()
        sys.stderr.write("Milvus listens on all interfaces: there is no network namespace for it\n")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", _ETCD_PORT)) == 0:
                sys.stderr.write(
                    f"port {_ETCD_PORT} is taken: this machine can run one Milvus of this kind at a time\n"
                )
                return 1
    server: Any = MilvusServer(MilvusServerConfig())
    server.set_base_dir(str(directory))
    server.listen_port = port
    for setting, value in settings.items():
        server.config.set(setting, value)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    server.start()
    if is_alone:
        threading.Thread(target=_pass_on, args=(outside, port), daemon=True).start()
    sys.stdout.write(f"{server.server_proc.pid}\n")
    sys.stdout.flush()
    try:
        server.server_proc.wait()
        return 1
    finally:
        server.stop()


def _enter_network_namespace() -> bool:
    """Leave the machine's network for one that has loopback alone; sockets that are open stay where they are."""
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    user, group = os.getuid(), os.getgid()
    try:
        if unshare(_NEW_NETWORK):
            if unshare(_NEW_USER | _NEW_NETWORK):
                return False
            Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="utf-8")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="utf-8")
        _bring_up_loopback()
    except OSError:
        return False
    return True


def _bring_up_loopback() -> None:
    import fcntl  # noqa: PLC0415 - Linux alone

    with socket.socket() as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _READ_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def _pass_on(outside: socket.socket, port: int) -> None:
    """Connect each caller to the port of the same number inside."""
    while True:
        caller, _ = outside.accept()
        try:
            inside = socket.create_connection(("127.0.0.1", port))
        except OSError:
            caller.close()
            continue
        for item in (caller, inside):
            item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for pair in ((caller, inside), (inside, caller)):
            threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    for item in (source, target):
        with suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    sys.exit(
        main(
            Path(sys.argv[1]).resolve(),
            int(sys.argv[2]),
            dict(argument.split("=", 1) for argument in sys.argv[3:]),
        )
    )
