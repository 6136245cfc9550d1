"""Real handshakes with real certificates that change while the server runs."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from rpc.tls import ClientTls, LiveServerTls, ServerTls, check_pair
from rpc.watched_files import FileContentError
from tests.certificate_files import CertificateFiles

SECONDS = 10


@contextmanager
def sync_server(tls: LiveServerTls) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_secure_port("127.0.0.1:0", tls.grpc_credentials())
    server.start()
    yield port
    server.stop(0).wait()


@contextmanager
def in_a_loop(start) -> Iterator[int]:
    """Runs an asyncio server in a thread of its own; ``start`` returns its port and how to stop it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port, stop = asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)
    yield port
    asyncio.run_coroutine_threadsafe(stop(), loop).result(SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def asyncio_server(tls: LiveServerTls):
    async def start():
        server = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        port = server.add_secure_port("127.0.0.1:0", tls.grpc_credentials())
        await server.start()
        return port, lambda: server.stop(0)

    return in_a_loop(start)


def http_server(tls: LiveServerTls):
    """What uvicorn does with the context: asyncio's own server."""

    async def start():
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                await reader.readexactly(1)
                writer.write(b"!")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls.ssl_context())

        async def stop() -> None:
            server.close()
            await server.wait_closed()

        return server.sockets[0].getsockname()[1], stop

    return in_a_loop(start)


def grpc_call(port: int, client: ClientTls) -> bool:
    with grpc.secure_channel(
        f"localhost:{port}", client.credentials(), options=[("grpc.use_local_subchannel_pool", 1)]
    ) as channel:
        try:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        except grpc.RpcError as error:
            return error.code() != grpc.StatusCode.UNAVAILABLE
    return True


def ssl_call(port: int, client: ClientTls) -> bool:
    context = ssl.create_default_context(cafile=str(client.authority))
    if client.certificate:
        context.load_cert_chain(client.certificate, client.key)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(b"?")
            return connection.recv(1) == b"!"
    except (ssl.SSLError, ConnectionError):
        return False


SERVERS = pytest.mark.parametrize(
    ("serving", "is_answered"),
    [
        pytest.param(sync_server, grpc_call, id="sync"),
        pytest.param(asyncio_server, grpc_call, id="asyncio"),
        pytest.param(http_server, ssl_call, id="http"),
    ],
)
Call = Callable[[int, ClientTls], bool]


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "server").write()


@pytest.fixture
def ours(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "ours").write()


@pytest.fixture
def others(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "others").write("other")


def one_way(files: CertificateFiles) -> LiveServerTls:
    return LiveServerTls(ServerTls(files.certificate, files.key))


def mutual(files: CertificateFiles) -> LiveServerTls:
    return LiveServerTls(ServerTls(files.certificate, files.key, files.authority))


@SERVERS
def test_a_client_talks_only_to_a_server_of_the_authority_it_trusts(
    serving, is_answered: Call, files: CertificateFiles, ours: CertificateFiles, others: CertificateFiles
) -> None:
    with serving(one_way(files)) as port:
        assert is_answered(port, ClientTls(ours.authority))
        assert not is_answered(port, ClientTls(others.authority))


@SERVERS
def test_a_new_certificate_counts_from_the_next_handshake_on(
    serving, is_answered: Call, files: CertificateFiles, ours: CertificateFiles, others: CertificateFiles
) -> None:
    with serving(one_way(files)) as port:
        assert is_answered(port, ClientTls(ours.authority))
        files.write("other")
        assert is_answered(port, ClientTls(others.authority))
        assert not is_answered(port, ClientTls(ours.authority))
        files.write("ours")
        assert is_answered(port, ClientTls(ours.authority))


@SERVERS
@pytest.mark.parametrize("damage", ["key of another", "no certificate in it", "gone"])
def test_bad_new_files_leave_the_old_certificate_and_one_warning(
    serving, is_answered: Call, files: CertificateFiles, ours: CertificateFiles, others: CertificateFiles, damage: str
) -> None:
    with capture_logs() as logs, serving(one_way(files)) as port:
        match damage:
            case "key of another":
                files.key.write_bytes(others.key.read_bytes())
            case "no certificate in it":
                files.certificate.write_text("nothing", encoding="utf-8")
            case "gone":
                files.certificate.unlink()
        assert is_answered(port, ClientTls(ours.authority))
        assert is_answered(port, ClientTls(ours.authority))
        warnings = [entry for entry in logs if entry["log_level"] == "warning"]
        assert len(warnings) == 1
        assert str(files.directory) in warnings[0]["reason"]
        assert "PRIVATE" not in str(logs)
        files.write("other")
        assert is_answered(port, ClientTls(others.authority))


@SERVERS
def test_with_a_client_authority_only_its_certificates_are_let_in(
    serving, is_answered: Call, files: CertificateFiles, ours: CertificateFiles, others: CertificateFiles
) -> None:
    with serving(mutual(files)) as port:
        assert is_answered(port, ClientTls(ours.authority, ours.certificate, ours.key))
        assert not is_answered(port, ClientTls(ours.authority))
        assert not is_answered(port, ClientTls(ours.authority, others.certificate, others.key))


@SERVERS
def test_a_new_client_authority_counts_from_the_next_handshake_on(
    serving, is_answered: Call, files: CertificateFiles, ours: CertificateFiles, others: CertificateFiles
) -> None:
    with serving(mutual(files)) as port:
        assert is_answered(port, ClientTls(ours.authority, ours.certificate, ours.key))
        files.write("ours", trusted="other")
        assert is_answered(port, ClientTls(ours.authority, others.certificate, others.key))
        assert not is_answered(port, ClientTls(ours.authority, ours.certificate, ours.key))


def test_a_connection_that_stands_outlives_its_certificate(files: CertificateFiles, ours: CertificateFiles) -> None:
    with (
        sync_server(one_way(files)) as port,
        grpc.secure_channel(f"localhost:{port}", ClientTls(ours.authority).credentials()) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        files.write("other")
        stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)


def test_a_pair_that_cannot_be_used_names_the_file_at_fault(ours: CertificateFiles, others: CertificateFiles) -> None:
    assert check_pair(ours.certificate, ours.key).key == ours.key.read_bytes()
    with pytest.raises(FileContentError, match=rf"^{others.key}: does not belong to {ours.certificate}$"):
        check_pair(ours.certificate, others.key)
    with pytest.raises(FileContentError, match=rf"^{ours.key}: does not hold a PEM certificate$"):
        check_pair(ours.key, ours.key)
    with pytest.raises(FileContentError, match=rf"^{ours.certificate}: does not hold an unencrypted PEM key"):
        check_pair(ours.certificate, ours.certificate)
    with pytest.raises(FileContentError, match=r"nowhere: No such file"):
        check_pair(ours.certificate, ours.directory / "nowhere")


@pytest.mark.parametrize("comment", ["# Zürich 🏔\n".encode(), "# Zürich\n".encode("latin-1"), b"\xef\xbb\xbf"])
def test_an_authority_may_have_comments_in_any_encoding(tmp_path: Path, comment: bytes) -> None:
    files = CertificateFiles(tmp_path).write()
    files.authority.write_bytes(comment + files.authority.read_bytes() + comment)
    tls = LiveServerTls(ServerTls(files.certificate, files.key, files.authority))
    with (
        sync_server(tls) as port,
        grpc.secure_channel(
            f"localhost:{port}", ClientTls(files.authority, files.certificate, files.key).credentials()
        ) as channel,
    ):
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
