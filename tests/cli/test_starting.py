"""A process may take long to start as long as its log says what it does."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import starting
from cli.starting import ProcessLog, StackError, StartedProcess
from rpc.supervisor import Bond

_SPEAKS_AND_ENDS = """
import time
for entry in range(20):
    print('{"event": "log is being read", "read": %d, "newest": 20000}' % (1000 * entry), flush=True)
    time.sleep(.1)
raise SystemExit(3)
"""
_SAYS_ONE_THING = """
import time
print('{"event": "store cannot be opened", "reason": "it is locked"}', flush=True)
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], StartedProcess]]:
    started: list[StartedProcess] = []

    def start_script(script: str) -> StartedProcess:
        path = tmp_path / "log"
        with path.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-c", script], stdout=output)
        bond = Bond()
        bond.hand_over()
        started.append(StartedProcess("index", "127.0.0.1:1", process, bond, ProcessLog(path, 0)))
        return started[-1]

    yield start_script
    for item in started:
        item.process.kill()
        item.process.wait()
        item.bond.close()


def test_a_process_that_goes_on_speaking_is_waited_for_and_heard(
    start: Callable[[str], StartedProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_SAY_SECONDS", 0)
    heard: list[str] = []
    with pytest.raises(StackError, match="index ended with exit code 3"):
        start(_SPEAKS_AND_ENDS).wait_until_serving(None, patience_seconds=10, say=heard.append)
    words = r"Waiting for index: log is being read, at position [\d,]+ of 20,000"
    assert any(re.fullmatch(words, line) for line in heard)


def test_a_process_that_falls_silent_is_given_up_with_its_last_words(start: Callable[[str], StartedProcess]) -> None:
    words = r"index at 127.0.0.1:1 did not become SERVING in time: store cannot be opened: it is locked \(full log: .*"
    with pytest.raises(StackError, match=words):
        start(_SAYS_ONE_THING).wait_until_serving(None, patience_seconds=1.5, say=lambda _: None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"event": "log is being read", "read": "much", "newest": null}\n', "log is being read"),
        (b"\xff\x00 [1, 2]\n", "\ufffd\x00 [1, 2]"),
        (b"[1, 2]\n", "[1, 2]"),
        (b"", "it wrote nothing"),
        (b"  \n \n", "it wrote nothing"),
    ],
)
def test_any_last_line_is_said(tmp_path: Path, line: bytes, words: str) -> None:
    (tmp_path / "log").write_bytes(b"earlier\n" + line)
    assert ProcessLog(tmp_path / "log", len(b"earlier\n")).last_line() == words
