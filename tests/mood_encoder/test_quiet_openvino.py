"""No process of ours looks up a foreign host, connects to one, or writes to the home directory when it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.held_port import held_port
from tests.serving_process import wait_until_log_says_serving
from tests.tiny_bundle import write_servable_tiny_bundle

CI_MARKS = {"CI", "TF_BUILD", "JENKINS_URL"}  # with one of them, the telemetry of OpenVINO stays silent by itself

WATCHER = """
import os, sys
REPORT, HOME = os.environ["WATCHED_REPORT"], os.environ["HOME"]
NETWORK = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.connect": 1, "socket.sendto": 1}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def refuse(text):
    with open(os.open(REPORT, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a", encoding="utf-8") as report:
        report.write(text + "\\n")
    raise OSError(text)  # whatever it was, it does not happen

def is_of_this_machine(host):
    return not host or str(host) in {"localhost", "::1", "0.0.0.0", "::"} or str(host).startswith("127.")

def watch(event, arguments):
    if event in NETWORK:
        address = arguments[NETWORK[event]]
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(host, (str, type(None))) and not is_of_this_machine(host) and not str(host).startswith("/"):
            refuse(f"{event} {host}")
    elif event == "open" and isinstance(arguments[0], str) and arguments[2] and arguments[2] & WRITING:
        if os.path.abspath(arguments[0]).startswith(HOME):
            refuse(f"open {arguments[0]}")
    elif event == "os.mkdir" and os.path.abspath(os.fsdecode(arguments[0])).startswith(HOME):
        refuse(f"mkdir {arguments[0]}")

sys.addaudithook(watch)
"""


class Watched:
    """Programs that start with a home directory of their own and are stopped from reaching beyond this machine."""

    def __init__(self, directory: Path) -> None:
        self.home, self.report, hook = directory / "home", directory / "report", directory / "hook"
        for path in (self.home, hook):
            path.mkdir()
        (hook / "sitecustomize.py").write_text(WATCHER, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if name not in CI_MARKS}
        paths = os.pathsep.join([str(hook), *filter(None, [kept.get("PYTHONPATH", "")])])
        self.environment = kept | {"HOME": str(self.home), "WATCHED_REPORT": str(self.report), "PYTHONPATH": paths}

    def run(self, *arguments: str) -> None:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def assert_nothing_left(self) -> None:
        assert not self.report.exists(), self.report.read_text(encoding="utf-8")
        assert list(self.home.iterdir()) == []


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.parametrize(
    "attempt",
    ["import socket; socket.create_connection(('192.0.2.1', 80), 1)", "open(os.environ['HOME'] + '/id', 'w')"],
)
def test_the_watcher_sees_what_it_is_there_for(watched: Watched, attempt: str) -> None:
    with pytest.raises(AssertionError):
        watched.run("-c", f"import os; {attempt}")
    assert watched.report.exists()
    assert list(watched.home.iterdir()) == []


@pytest.mark.parametrize(
    "module",
    ["mood_encoder.openvino_encoder", "mood_encoder.torch_encoder", "pipeline.convert_encoder", "cli.subcommands"],
)
def test_importing_openvino_reports_nothing(watched: Watched, module: str) -> None:
    report = "print([name for name in sys.modules if name.startswith('openvino_telemetry.')] or sys.exit(0))"
    watched.run("-c", f"import sys, {module}; {report}; sys.exit(1)")
    watched.assert_nothing_left()


@pytest.mark.parametrize("process", ["gateway", "user_tower_service", "post_index_service", "embedded"])
def test_a_process_starts_without_a_word_to_anybody(watched: Watched, tmp_path: Path, process: str) -> None:
    bundles = tmp_path / "bundles"
    write_servable_tiny_bundle(bundles)
    log = tmp_path / "log"
    with held_port() as first, held_port() as second, log.open("wb") as output:
        addresses = {
            "MOODFEED_USER_TOWER_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_POST_INDEX_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_GATEWAY_GRPC_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_GATEWAY_HTTP_ADDRESS": f"127.0.0.1:{second}",
            "MOODFEED_USER_TOWER_METRICS_PORT": "0",
            "MOODFEED_POST_INDEX_METRICS_PORT": "0",
            "MOODFEED_BUNDLES": str(bundles),
        }
        with subprocess.Popen(
            [sys.executable, "-m", process], env=watched.environment | addresses, stdout=output, stderr=output
        ) as running:
            try:
                wait_until_log_says_serving(running, log, seconds=60)
            finally:
                running.terminate()
    watched.assert_nothing_left()
