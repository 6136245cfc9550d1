"""A port of the loopback for a server that ends and returns: nothing else can take it in between."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Yield a port that a server may listen on, as often as it likes, until the block ends.

    A socket that is bound and does not listen holds it: a listener with SO_REUSEADDR, which gRPC and asyncio set, may
    bind the port too, and connections are refused while there is none.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
