"""A first signal is a request, a second one acts."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_any_two_lines_is_heard_once_and_the_handlers_of_before_come_back(
    number: signal.Signals,
) -> None:
    """Sends the signal at the first line that the module runs, then at the second, and so on to its last one."""
    ended = run_program(
        f"""
import os, signal, sys
from cli import stop_signals
number = signal.Signals({number.value})
heard = []
before = lambda received, _: heard.append(received)
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, before)

def runs_with_a_signal_at(place):
    lines = 0
    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename != stop_signals.__file__:
            return None
        if event == "line":
            lines += 1
            if lines == place:
                os.kill(os.getpid(), number)
        return trace
    sys.settrace(trace)
    try:
        with stop_signals.stop_request() as request:
            pass
    finally:
        sys.settrace(None)
    assert [*heard, *([request.signal_number] if request.is_made() else [])] == [number], (place, heard)
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is before, place
    heard.clear()
    return lines

place = 1
while place < runs_with_a_signal_at(place):
    place += 1
assert place > 15, place
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


@pytest.mark.parametrize(
    ("moment", "number"),
    [("cli.subcommands", signal.SIGINT), ("duckdb", signal.SIGTERM), ("pipeline.whole_files", signal.SIGTERM)],
)
def test_a_signal_at_any_moment_ends_a_command_in_one_line_and_the_same_command_succeeds(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    """The signal comes while a module is imported, or while the first table is written."""
    (tmp_path / "events.csv").write_text("user,post\n" + "a,p\n", encoding="utf-8")
    program = f"""
import os, sys
import cli.__main__ as command
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {moment!r} and {moment != "pipeline.whole_files"}:
            os.kill(os.getpid(), {number.value})
sys.meta_path.insert(0, Finder())
if {moment == "pipeline.whole_files"}:
    import pipeline.whole_files
    pipeline.whole_files._sync = lambda path: os.kill(os.getpid(), {number.value})
command.main()
"""
    arguments = ["import", str(tmp_path / "events.csv"), "--data", str(tmp_path / "data")]
    stopped = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert stopped.returncode == 128 + number
    assert stopped.stderr == f"stopped by {number.name}: nothing is half-written; the same command does it again\n"
    assert list(tmp_path.glob("data/*")) == list(tmp_path.glob("data/.*")) == []
    again = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert again.returncode == 0, again.stderr
