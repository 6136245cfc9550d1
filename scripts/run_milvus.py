"""Start a Milvus server of the package `milvus` until this process is stopped; it runs in .venv-scale.

    .venv-scale/bin/python scripts/run_milvus.py DIRECTORY PORT

It keeps its data and logs in the directory, and prints a line when it serves: the process id of the server. Milvus
binds to all interfaces, whatever it is told: start it where nobody else can reach the machine.
"""

import signal
import sys
from pathlib import Path
from typing import Any


def main(directory: Path, port: int) -> int:
    """Serve until SIGTERM or SIGINT; 1 if the server ends by itself."""
    from milvus import MilvusServer, MilvusServerConfig  # noqa: PLC0415 - of another environment

    server: Any = MilvusServer(MilvusServerConfig())
    server.set_base_dir(str(directory))
    server.listen_port = port
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    server.start()
    sys.stdout.write(f"{server.server_proc.pid}\n")
    sys.stdout.flush()
    try:
        server.server_proc.wait()
        return 1
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2])))
