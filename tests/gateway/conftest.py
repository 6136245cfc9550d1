import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.held_port import held_port
from tests.serving_process import wait_until_log_says_serving


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway process; no service stands behind it unless its variables name one."""

    grpc_address: str
    http_address: str
    log: Path


@contextmanager
def running_gateway(directory: Path, variables: Mapping[str, str]) -> Iterator[RunningGateway]:
    """Runs one until the block ends; what it writes goes to a file in ``directory``."""
    log = directory / "gateway.log"
    nobody = {
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": "127.0.0.1:1",
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": "127.0.0.1:1",
    }
    with held_port() as grpc_port, held_port() as http_port, log.open("wb") as output:
        grpc_address, http_address = f"127.0.0.1:{grpc_port}", f"127.0.0.1:{http_port}"
        addresses = {"MOODFEED_GATEWAY_GRPC_ADDRESS": grpc_address, "MOODFEED_GATEWAY_HTTP_ADDRESS": http_address}
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway"],
            env=os.environ | nobody | addresses | dict(variables),
            stdout=output,
            stderr=output,
        )
        try:
            wait_until_log_says_serving(process, log, seconds=30)
            yield RunningGateway(grpc_address, http_address, log)
        finally:
            process.terminate()
            process.wait(20)
