"""`moodfeed watch` in a real terminal and in a pipe, before a product in one process."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.end_to_end.test_feedback import Product, likes, running

SECONDS = 60.0
IN_CONTROL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Runs a command that hears Ctrl-C from the terminal."""

STEERING = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running("one process", tmp_path_factory.mktemp("product")) as product:
        yield product


def command(product: Product, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", "watch", *arguments, "--address", product.grpc_address, "--every", "0.1"]


class Terminal:
    """A real terminal, with the command in it."""

    def __init__(self, arguments: list[str]) -> None:
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_CONTROL, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        self.seen = ""

    def type(self, keys: str) -> None:
        self.seen = ""
        os.write(self._own, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read what is shown until it holds a text."""
        deadline = time.monotonic() + SECONDS
        while text not in STEERING.sub("", self.seen):
            assert time.monotonic() < deadline, f"{text!r} is not in {self.seen[-3000:]!r}"
            if select.select([self._own], [], [], 0.1)[0]:
                self.seen += os.read(self._own, 65536).decode(errors="replace")

    def end(self) -> int:
        """The exit code; what is written meanwhile is read, so that it does not wait for a reader."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            if select.select([self._own], [], [], 0.1)[0]:
                self.seen += os.read(self._own, 65536).decode(errors="replace")
        while select.select([self._own], [], [], 0)[0]:
            self.seen += os.read(self._own, 65536).decode(errors="replace")
        return self.process.returncode

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self._theirs) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        os.close(self._own)
        os.close(self._theirs)


@contextmanager
def in_a_terminal(product: Product, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(command(product, *arguments))
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_like_changes_the_feed_on_the_screen_and_is_taken_back(product: Product) -> None:
    product.record(likes("watcher", 20))
    with in_a_terminal(product, "watcher") as terminal:
        terminal.wait_for("Feed of watcher")
        first = product.ids("watcher")[0]
        terminal.type("l1\r")
        terminal.wait_for(f"like: post {first}")
        assert product.ids("watcher").index(first) >= 3  # it has been met
        terminal.type("u\r")
        terminal.wait_for("taken back")
        assert product.ids("watcher")[0] == first
        terminal.type("n2\r")
        terminal.wait_for("not-interested: post")
        assert len(product.ids("watcher")) == 4
        terminal.type("x9\r")
        terminal.wait_for("unknown command")
        terminal.type("l9\r")
        terminal.wait_for("there is no post 9")
        terminal.type("q\r")
        assert terminal.end() == 0
        assert terminal.is_as_before()


def test_a_stranger_has_something_to_like_and_is_known_afterwards(product: Product) -> None:
    with in_a_terminal(product, "curious") as terminal:
        terminal.wait_for("curious is unknown so far")
        terminal.type("1\r")
        terminal.wait_for("Feed of curious")
        assert product.ids("curious")


def test_what_is_done_elsewhere_appears_by_itself_and_ctrl_c_leaves_the_terminal_as_it_was(product: Product) -> None:
    product.record(likes("elsewhere", 20))
    with in_a_terminal(product, "elsewhere", "--mood", "calm") as terminal:
        terminal.wait_for("Feed of elsewhere, calm")
        terminal.seen = ""
        position = product.record({"username": "elsewhere", "post_id": 30, "verb": "VERB_NOT_INTERESTED"}).position
        terminal.wait_for(f"position {position}")
        terminal.type("\x03")
        assert terminal.end() == 0
        assert terminal.is_as_before()
        assert "Traceback" not in terminal.seen


def test_in_a_pipe_the_feed_is_printed_anew_when_it_has_changed_and_not_otherwise(product: Product) -> None:
    product.record(likes("piped", 20))
    with subprocess.Popen(command(product, "piped"), stdout=subprocess.PIPE, text=True, encoding="utf-8") as watching:
        assert watching.stdout is not None

        def feed() -> list[str]:
            return [line.rstrip("\n") for line in iter(watching.stdout.readline, "\n")]  # type: ignore[union-attr]

        head, *posts = feed()
        assert head.startswith("# Feed of piped; RANKING_USER, position ")
        assert [int(line.split("\t")[1]) for line in posts] == product.ids("piped")
        off = product.record({"username": "piped", "post_id": 30, "verb": "VERB_NOT_INTERESTED"})
        head, *posts = feed()
        assert f"position {off.position}," in head
        assert [int(line.split("\t")[1]) for line in posts] == product.ids("piped")
        product.record(likes("somebody else", 20))
        product.record(likes("piped", 10))
        assert len(feed()) == 5  # what another person did has printed nothing
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 0
        assert watching.stdout.read() == ""


def test_it_ends_when_nobody_reads_on_or_the_gateway_refuses(product: Product) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(command(product, "ana"), stdout=writing) as watching:
        os.close(writing)
        assert os.read(reading, 1) == b"#"
        os.close(reading)
        assert watching.wait(20) == 0
    refused = subprocess.run(
        command(product, "ana", "--category", "77"), capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert "invalid category id" in refused.stderr
