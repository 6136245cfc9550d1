"""A link to a server that takes time: python -m benchmarks.scale.cores.slow_link PORT SERVER_PORT MILLISECONDS.

Forwards every connection to loopback at PORT; each byte comes so many milliseconds later, in both directions.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 1 << 16
_READY = "ready"


async def serve(port: int, server_port: int, delay: float) -> None:
    """Forward until cancelled; ``delay`` is in seconds."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while piece := await reader.read(_PIECE):
            loop.call_later(delay, writer.write, piece)
        loop.call_later(delay, writer.close)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        of_server, to_server = await asyncio.open_connection("127.0.0.1", server_port)
        await asyncio.gather(forward(reader, to_server), forward(of_server, writer), return_exceptions=True)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


@contextmanager
def slow_link(port: int, server_port: int, delay: float) -> Iterator[None]:
    """Run it in a process of its own while the block runs."""
    command = [sys.executable, "-m", "benchmarks.scale.cores.slow_link", str(port), str(server_port), str(1000 * delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != _READY:
                raise RuntimeError("the slow link did not begin")
            yield
        finally:
            process.terminate()


def main() -> None:
    """Forward until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("server_port", type=int)
    parser.add_argument("milliseconds", type=float)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.server_port, options.milliseconds / 1000))


if __name__ == "__main__":
    main()
