"""A proxy on loopback that cuts every connection after a while."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cutting_proxy(target: str) -> Iterator[str]:
    """Forward connections to ``target``, and cut each one after a while, whatever is under way."""
    host, _, port = target.rpartition(":")
    stop = threading.Event()
    lives = _lives()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def carry(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as server:
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=pump, args=(one, other), daemon=True).start()
            stop.wait(next(lives))
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def accept(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_with_errors_dropped(carry), args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)


def _lives() -> Iterator[float]:
    """Seconds that connections live: .3 to 1, in a fixed order."""
    while True:
        yield from (0.3, 0.7, 1.0, 0.5, 0.9)


def _with_errors_dropped(run: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    def quietly(client: socket.socket) -> None:
        with suppress(OSError):
            run(client)

    return quietly
