"""The forms of an address: what a server listens on, a client dials."""

import fcntl
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.http_server import listen
from rpc.addresses import HostAndPort, UnixSocket, claimed, is_answered, read_address, read_peer_address
from rpc.probe import is_serving
from rpc.server import BusyAddressError, RunningServer, ServerOptions, start_server
from tests.held_port import held_port


@contextmanager
def server_at(address: str) -> Iterator[RunningServer]:
    options = ServerOptions("test", address, "TEST_ADDRESS", pool_size=1, grace_seconds=0)
    running = start_server(options, add_services=lambda server: None, service_names=[], errors={})
    try:
        yield running
    finally:
        running.stop(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:50051", HostAndPort("127.0.0.1", 50051)),
        ("tower.example:1", HostAndPort("tower.example", 1)),
        ("[::1]:65535", HostAndPort("::1", 65535)),
        ("[::]:0", HostAndPort("::", 0)),
        (":1", HostAndPort("", 1)),
        ("dns:///tower:1", HostAndPort("tower", 1)),
        ("ipv4:127.0.0.1:1", HostAndPort("127.0.0.1", 1)),
        ("ipv6:[::1]:1", HostAndPort("::1", 1)),
        ("unix:/run/tower.sock", UnixSocket("/run/tower.sock")),
        ("unix:///run/tower.sock", UnixSocket("/run/tower.sock")),
        ("unix:tower.sock", UnixSocket("tower.sock")),
        ("unix-abstract:tower", UnixSocket("tower", is_abstract=True)),
    ],
)
def test_each_form_is_read(text: str, expected: HostAndPort | UnixSocket) -> None:
    assert read_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "tower", "tower:", "tower:http", "tower:65536", "::1:50051", "[::1]", "[x]:1", "unix:", "http://a:1"]
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_address(text)


@pytest.mark.parametrize("text", [":50051", "tower:0", "[]:1"])
def test_a_process_to_call_has_a_host_and_a_port(text: str) -> None:
    with pytest.raises(ValueError):
        read_peer_address(text)


def test_only_loopback_and_unix_sockets_are_of_this_machine_alone() -> None:
    assert all(read_address(text).is_loopback for text in ("localhost:1", "[::1]:1", "unix:x", "unix-abstract:x"))
    assert not any(read_address(text).is_loopback for text in ("unix.example:1", ":1", "[::]:1", "tower:1"))


@pytest.mark.parametrize("form", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "dns:///localhost:{port}"])
def test_a_server_is_found_at_the_tcp_address_that_it_was_given(form: str) -> None:
    with held_port() as port, server_at(form.format(port=port)):
        assert is_serving(form.format(port=port))


@pytest.mark.parametrize("form", ["unix:{directory}/s", "unix://{directory}/s", "unix-abstract:{directory}/s"])
def test_a_server_is_found_at_the_unix_address_that_it_was_given(tmp_path: Path, form: str) -> None:
    address = form.format(directory=tmp_path)
    with server_at(address):
        assert is_serving(address)


def test_a_unix_socket_in_use_stays_with_the_process_that_has_it(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/s"
    with server_at(address):
        with pytest.raises(BusyAddressError, match="TEST_ADDRESS"), server_at(address):
            pass
        assert is_serving(address)


def test_a_unix_socket_that_a_killed_process_left_is_taken_over(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()
    assert not is_answered(UnixSocket(str(tmp_path / "s")))
    with server_at(f"unix:{tmp_path}/s"):
        assert is_serving(f"unix:{tmp_path}/s")


def test_a_second_server_on_a_unix_socket_fails_with_the_address(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/s"
    with server_at(address):
        for start in (lambda: listen(address), lambda: server_at(address).__enter__()):
            with pytest.raises(BusyAddressError, match=f"cannot listen on {address}: it is in use"):
                start()


def test_of_many_that_want_a_unix_socket_at_once_one_gets_it(tmp_path: Path) -> None:
    for attempt in range(20):
        address = f"unix:{tmp_path}/{attempt}"
        left = socket.socket(socket.AF_UNIX)
        left.bind(f"{tmp_path}/{attempt}")
        left.close()

        def try_to_listen(address: str) -> socket.socket | None:
            try:
                return listen(address)
            except BusyAddressError:
                return None

        with ThreadPoolExecutor(8) as threads:
            got = [listening for listening in threads.map(try_to_listen, [address] * 8) if listening]
        assert len(got) == 1
        got[0].close()


def test_a_claim_keeps_others_out_until_it_ends(tmp_path: Path) -> None:
    def is_claimed() -> bool:
        directory = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(directory)
        return False

    with claimed(UnixSocket(f"{tmp_path}/s")):
        assert is_claimed()
    assert not is_claimed()
    with claimed(UnixSocket(f"{tmp_path}/no/such/directory/s")), claimed(UnixSocket("s", is_abstract=True)):
        pass
