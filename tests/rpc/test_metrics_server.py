"""Metrics over HTTPS, by real handshakes."""

import socket
import ssl
from pathlib import Path

import httpx
import pytest
from prometheus_client import Counter

from benchmarks.processes import free_addresses
from rpc.metrics_server import start_metrics_server
from rpc.tls import ServerTls
from tests.certificate_files import CertificateFiles

COUNTED = Counter("moodfeed_test_metrics_server", "What the test reads.")


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "files").write()


@pytest.fixture
def port(files: CertificateFiles) -> int:
    port = int(free_addresses(1)[0].rpartition(":")[2])
    # The authority of the service's clients: metrics do not ask for one.
    start_metrics_server("127.0.0.1", port, ServerTls(files.certificate, files.key, files.authority))
    return port


def scraped(port: int, files: CertificateFiles) -> httpx.Response:
    """What a client without a certificate gets."""
    context = ssl.create_default_context(cafile=str(files.authority))
    return httpx.get(f"https://localhost:{port}/metrics", verify=context, trust_env=False, timeout=10)


def test_whoever_trusts_the_authority_reads_metrics_without_a_certificate(port: int, files: CertificateFiles) -> None:
    COUNTED.inc()
    reply = scraped(port, files)
    assert reply.status_code == 200
    assert "moodfeed_test_metrics_server_total" in reply.text


def test_changed_certificates_count_without_a_restart(port: int, files: CertificateFiles) -> None:
    assert scraped(port, files).status_code == 200
    files.write("another")
    assert scraped(port, files).status_code == 200


def test_connections_that_say_nothing_and_requests_in_plaintext_disturb_nobody(
    port: int, files: CertificateFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=10)
    assert scraped(port, files).status_code == 200
    for connection in silent:
        connection.close()
    assert capfd.readouterr() == ("", "")


def test_without_tls_metrics_are_plain(files: CertificateFiles) -> None:
    (address,) = free_addresses(1)
    start_metrics_server("127.0.0.1", int(address.rpartition(":")[2]), None)
    assert httpx.get(f"http://{address}/metrics", trust_env=False, timeout=10).status_code == 200
