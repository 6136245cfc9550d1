"""A first signal is a request, a second one acts."""

import signal
import subprocess
import sys
import threading

import pytest

from cli.stop_signals import StoppedError, stop_request


def run_program(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own: only that may be sent signals, not the one that runs the tests."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_does_what_it_did_before(number: signal.Signals) -> None:
    ended = run_program(
        f"""
import os, signal
from cli.stop_signals import stop_request
number = signal.Signals({number.value})
heard = []
signal.signal(number, lambda received, _: heard.append(received))
with stop_request() as request:
    assert not request.is_made()
    os.kill(os.getpid(), number)
    assert request.is_made()
    assert request.signal_number == number
    assert heard == []
    os.kill(os.getpid(), number)
    assert heard == [number]
os.kill(os.getpid(), number)
assert heard == [number, number]
"""
    )
    assert ended.returncode == 0, ended.stderr


def test_an_ignored_signal_stays_ignored() -> None:
    ended = run_program(
        """
import os, signal
from cli.stop_signals import stop_request
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with stop_request() as request:
    os.kill(os.getpid(), signal.SIGTERM)
    assert not request.is_made()
"""
    )
    assert ended.returncode == 0, ended.stderr


def test_outside_of_the_main_thread_nothing_is_asked() -> None:
    asked: list[bool] = []

    def work() -> None:
        with stop_request() as request:
            asked.append(request.is_made())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_was_stopped_says_so_in_a_line_and_ends_with_the_signals_code(number: signal.Signals) -> None:
    program = (
        "import sys, cli.__main__ as main, cli.subcommands as subcommands\n"
        "from cli.stop_signals import StoppedError\n"
        "def app():\n"
        f"    raise StoppedError('training stopped in epoch 1', {number.value})\n"
        "subcommands.app = app\n"
        "main.main()\n"
    )
    ended = run_program(program)
    assert ended.returncode == 128 + number == StoppedError("", number).exit_code
    assert ended.stderr.strip() == "training stopped in epoch 1"
