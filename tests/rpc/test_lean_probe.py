"""The probe of the containers asks what rpc.probe asks, and takes nothing else for an answer."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rpc.lean_probe import SERVING, frame, is_serving, main, message_of, request
from rpc.probe import is_serving as asked_by_grpc
from rpc.server import RunningServer, ServerOptions, start_server
from rpc.tls import ClientTls, ServerTls
from tests.certificate_files import CertificateFiles

ROOT = Path(__file__).parents[2]
NAME = "moodfeed.user_tower.v1.UserTowerService"


@contextmanager
def server(address: str = "127.0.0.1:0", tls: ServerTls | None = None) -> Iterator[RunningServer]:
    options = ServerOptions("test", address, "TEST_ADDRESS", pool_size=1, grace_seconds=0, tls=tls)
    running = start_server(options, add_services=lambda server: None, service_names=[NAME], errors={})
    yield running
    running.stop(0)


@pytest.fixture
def running() -> Iterator[RunningServer]:
    with server() as it:
        yield it


@pytest.fixture
def stub() -> Iterator[tuple[str, list[bytes]]]:
    """A peer that sends what the test puts into the list, and then closes the connection; or stays silent."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):  # the probe may leave before it has read everything
                if answers:
                    connection.sendall(answers[0])
                else:
                    connection.recv(1)
                    time.sleep(1)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", answers


def both(address: str, service: str = "") -> tuple[bool, bool]:
    return is_serving(address, service=service), asked_by_grpc(address, service=service)


def test_it_agrees_with_grpc_about_a_process_and_each_of_its_services(running: RunningServer) -> None:
    address = f"127.0.0.1:{running.port}"
    assert both(address) == (True, True)
    assert both(address, NAME) == (True, True)
    assert both(address, "moodfeed.of.nobody") == (False, False)
    running.set_serving(False)
    assert both(address) == both(address, NAME) == (False, False)
    running.set_serving(True)
    assert both(address) == (True, True)


def test_nobody_who_listens_is_not_serving(running: RunningServer) -> None:
    running.stop(0)
    assert both(f"127.0.0.1:{running.port}") == (False, False)


def test_it_reaches_ipv6() -> None:
    with server("[::1]:0") as it:
        assert is_serving(f"[::1]:{it.port}")


def test_over_tls_both_sides_must_be_who_they_are_to_be(tmp_path: Path) -> None:
    ours, others = CertificateFiles(tmp_path / "ours").write(), CertificateFiles(tmp_path / "others").write("others")

    def pem(files: CertificateFiles, *names: str) -> dict[str, str]:
        return {name: str(getattr(files, name)) for name in names}

    with server(tls=ServerTls(ours.certificate, ours.key, ours.authority)) as it:
        address = f"127.0.0.1:{it.port}"
        assert is_serving(address, pem=pem(ours, "authority", "certificate", "key"))
        assert asked_by_grpc(address, tls=ClientTls(ours.authority, ours.certificate, ours.key))
        assert not is_serving(address, pem=pem(ours, "authority"))
        assert not is_serving(address, pem=pem(others, "authority", "certificate", "key"))
        assert not is_serving(address)
        assert not is_serving(address, pem={"authority": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\x08\x01",
        frame(0, 1, 1, b"\x00\x00\x00\x00\x02\x08\x02"),  # NOT_SERVING
        frame(0, 1, 1, b"\x00\x00\x00\x00\x02\x08\x01\x00"),
        frame(0, 1, 1, b""),
        frame(0, 1, 3, SERVING),  # of another stream
        frame(0, 0, 1, SERVING),  # of a stream that does not end
        frame(0, 1, 1, SERVING)[:-1],
        frame(7, 0, 0, b"\x00" * 8) + frame(0, 1, 1, SERVING),  # GOAWAY
        frame(3, 0, 1, b"\x00" * 4) + frame(0, 1, 1, SERVING),  # RST_STREAM
        b"\xff" * 70_000,
    ],
    ids=range(10),
)
def test_another_answer_is_not_serving(stub: tuple[str, list[bytes]], answer: bytes) -> None:
    address, answers = stub
    answers.append(answer)
    assert not is_serving(address, timeout_seconds=5)


@pytest.mark.parametrize(
    "answer",
    [
        frame(4, 0, 0) + frame(1, 4, 1, b"\x88") + frame(0, 0, 1, SERVING) + frame(1, 5, 1, b"\x88"),
        frame(0, 0, 1, SERVING[:3]) + frame(0, 1, 1, SERVING[3:]),
        frame(0, 9, 1, b"\x02" + SERVING + b"\x00\x00"),  # padded
    ],
    ids=["with headers", "in two frames", "padded"],
)
def test_serving_is_read_from_any_frames(stub: tuple[str, list[bytes]], answer: bytes) -> None:
    address, answers = stub
    answers.append(answer)
    assert is_serving(address, timeout_seconds=5)
    parts = iter([answer[at : at + 1] for at in range(len(answer))])
    assert message_of(lambda size: next(parts)) == SERVING


def test_a_silent_peer_is_left_after_the_timeout(stub: tuple[str, list[bytes]]) -> None:
    started = time.monotonic()
    assert not is_serving(stub[0], timeout_seconds=0.2)
    assert time.monotonic() - started < 0.9


def test_a_request_states_its_deadline_and_its_service() -> None:
    sent = request("localhost:1", NAME, is_secure=False, seconds=1.5)
    assert b"grpc-timeout" in sent
    assert b"1500m" in sent
    assert sent.endswith(NAME.encode())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["localhost"],
        ["localhost:1", "--nonsense=1"],
        ["localhost:1", "--certificate=a"],
        ["localhost:1", "--key=a"],
        ["localhost:1", "--certificate=a", "--key=b"],
    ],
    ids=str,
)
def test_wrong_arguments_are_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: lean_probe.py HOST:PORT" in capsys.readouterr().err


def test_as_a_program_it_imports_next_to_nothing(running: RunningServer) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", "rpc/lean_probe.py", f"127.0.0.1:{running.port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == "SERVING\n"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "_socket" in modules
    assert not modules & {"socket", "ssl", "argparse", "typing", "enum", "re", "grpc", "asyncio", "selectors", "site"}
