"""`moodfeed run` and `moodfeed serve` with real processes: taken addresses, and ends of every kind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.stack import Addresses, running_stack
from cli.starting import StackError
from rpc.probe import is_serving
from tests.end_to_end.conftest import free_addresses
from tests.tiny_bundle import write_servable_tiny_bundle
from tests.waiting import wait_until

PROGRAM = (  # a shell's background jobs, which these tests may be part of, ignore SIGINT
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from cli.__main__ import main; main()"
)


@pytest.fixture(autouse=True)
def no_metrics_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for process in ("POST_INDEX", "USER_TOWER"):
        monkeypatch.setenv(f"MOODFEED_{process}_METRICS_PORT", "0")


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    root = tmp_path / "bundles"
    write_servable_tiny_bundle(root)
    return root


def children_of(process: subprocess.Popen[str]) -> list[int]:
    return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()))


def state_of(number: int) -> str:
    """The state of a process as in proc(5), such as ``T`` for stopped; ``Z`` also for one that is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def is_running(number: int) -> bool:
    """Whether there is such a process that has not ended; one that nobody has waited for yet has."""
    return state_of(number) != "Z"


def is_pending(number: int, wanted: signal.Signals) -> bool:
    """Whether a stopped process has been sent a signal, which it takes when it goes on."""
    status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
    (pending,) = (line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(pending, 16) >> (wanted - 1) & 1)


@contextmanager
def serving(bundles: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """`moodfeed serve` once it serves, and the ids of its three processes."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--bundles", str(bundles), "--data", str(bundles.parent / "data")],
        env=os.environ | free_addresses().as_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        children: list[int] = []
        try:
            assert process.stdout
            assert "gateway" in process.stdout.readline()
            children = children_of(process)
            assert len(children) == 3
            yield process, children
        finally:
            process.kill()
            for child in filter(is_running, children):
                os.kill(child, signal.SIGKILL)


def test_on_taken_addresses_nothing_of_the_other_stack_is_shown(bundles: Path, tmp_path: Path) -> None:
    addresses = free_addresses()
    with running_stack(bundles, addresses, logs=tmp_path / "logs", embedded=True):
        taken = Addresses(addresses.gateway_grpc, addresses.gateway_http, *free_addresses_of_compute())
        for command in (["run", "--once"], ["serve"], ["serve", "--embedded"]):
            done = subprocess.run(
                [sys.executable, "-m", "cli", *command, "--bundles", str(bundles), "--data", str(tmp_path / "other")],
                env=os.environ | taken.as_environment(),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 1
            assert any(address in done.stderr for address in (addresses.gateway_grpc, addresses.gateway_http))
            assert "MOODFEED_GATEWAY_" in done.stderr
            assert done.stderr.count("\n") == 1
            shown = [line for line in done.stdout.splitlines() if not line.startswith("Waiting for ")]
            assert "post" not in "\n".join(shown)
        assert is_serving(addresses.gateway_grpc)


def free_addresses_of_compute() -> tuple[str, str]:
    addresses = free_addresses()
    return addresses.user_tower, addresses.post_index


def test_a_process_that_ends_by_itself_is_named_with_its_last_words(bundles: Path, tmp_path: Path) -> None:
    with running_stack(bundles, free_addresses(), logs=tmp_path, embedded=True) as stack:
        stack.processes["embedded"].kill()
        with pytest.raises(StackError, match=r"embedded was ended by SIGKILL: .*embedded\.log"):
            stack.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_process_outlives_the_command(bundles: Path, number: signal.Signals) -> None:
    with serving(bundles) as (command, children):
        command.send_signal(number)
        command.wait(60)
        wait_until(lambda: not any(map(is_running, children)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once_and_leaves_nothing(bundles: Path, number: signal.Signals) -> None:
    with serving(bundles) as (command, children):
        os.kill(children[-1], signal.SIGSTOP)  # the gateway cannot drain, and the command waits for it
        wait_until(lambda: state_of(children[-1]) == "T")  # before that it might still take the next signal
        command.send_signal(number)
        wait_until(lambda: is_pending(children[-1], signal.SIGTERM))
        command.send_signal(number)
        _, errors = command.communicate(timeout=10)
        assert not any(map(is_running, children))
    assert command.returncode == 1
    assert "stopped at once" in errors
