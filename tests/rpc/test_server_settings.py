import pytest
from pydantic_settings import SettingsConfigDict

from rpc.environment import WRONG_SETTINGS_EXIT_CODE, load_settings
from rpc.server_settings import ServerSettings
from rpc.tls import ServerTls
from tests.certificate_files import CertificateFiles


class Settings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="TEST_", frozen=True)
    address: str = "127.0.0.1:50051"
    metrics_host: str = "127.0.0.1"


@pytest.fixture
def files(tmp_path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "files").write()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Reads settings that are wrong, and returns what the operator is told."""

    def refuse(**variables: object) -> list[str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(SystemExit) as ended:
            load_settings(Settings)
        assert ended.value.code == WRONG_SETTINGS_EXIT_CODE
        return capsys.readouterr().err.splitlines()

    return refuse


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "[::]:1", ":1", "192.0.2.7:1", "somewhere:1", "127.0.0.1.example.com:1"]
)
def test_plaintext_beyond_loopback_is_refused_with_the_way_out(told, address: str) -> None:
    (line,) = told(TEST_ADDRESS=address)
    assert line.startswith(f"TEST_ADDRESS='{address}': ")
    assert all(name in line for name in ("TEST_TLS_CERTIFICATE", "TEST_TLS_KEY", "MOODFEED_ALLOW_PLAINTEXT"))
    assert "=true" not in line  # a message never advises to open the service


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "unix:/tmp/socket"])
def test_plaintext_on_loopback_needs_no_choice(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("TEST_ADDRESS", address)
    assert load_settings(Settings).address == address


def test_plaintext_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ADDRESS", "0.0.0.0:1")
    monkeypatch.setenv("TEST_METRICS_HOST", "0.0.0.0")
    monkeypatch.setenv("MOODFEED_ALLOW_PLAINTEXT", "true")
    settings = load_settings(Settings)
    assert (settings.server_tls(), settings.address) == (None, "0.0.0.0:1")


def test_metrics_beyond_loopback_need_tls_or_a_choice(told) -> None:
    (line,) = told(TEST_METRICS_HOST="0.0.0.0")
    assert line.startswith("TEST_METRICS_HOST='0.0.0.0': ")
    assert all(name in line for name in ("TEST_TLS_CERTIFICATE", "TEST_TLS_KEY"))


def test_with_tls_any_address_is_allowed(monkeypatch: pytest.MonkeyPatch, files: CertificateFiles) -> None:
    monkeypatch.setenv("TEST_ADDRESS", "0.0.0.0:1")
    monkeypatch.setenv("TEST_METRICS_HOST", "0.0.0.0")
    monkeypatch.setenv("TEST_TLS_CERTIFICATE", str(files.certificate))
    monkeypatch.setenv("TEST_TLS_KEY", str(files.key))
    assert load_settings(Settings).server_tls() == ServerTls(files.certificate, files.key)


def test_half_a_pair_names_the_other_half(told, monkeypatch: pytest.MonkeyPatch, files: CertificateFiles) -> None:
    (line,) = told(TEST_TLS_CERTIFICATE=files.certificate)
    assert line.startswith("TEST_TLS_KEY=None: ")
    assert "TEST_TLS_CERTIFICATE" in line
    monkeypatch.delenv("TEST_TLS_CERTIFICATE")
    (line,) = told(TEST_TLS_KEY=files.key)
    assert line.startswith(f"TEST_TLS_KEY='{files.key}': ")
    assert "TEST_TLS_CERTIFICATE" in line


def test_a_client_authority_without_a_certificate_is_refused(told, files: CertificateFiles) -> None:
    (line,) = told(TEST_TLS_CLIENT_AUTHORITY=files.authority)
    assert line.startswith(f"TEST_TLS_CLIENT_AUTHORITY='{files.authority}': ")
    assert "TEST_TLS_CERTIFICATE" in line


@pytest.mark.parametrize("broken", ["certificate", "key", "client_authority"])
@pytest.mark.parametrize("how", ["gone", "a text", "a directory"])
def test_a_file_that_cannot_be_used_is_named_with_its_variable(
    told, monkeypatch: pytest.MonkeyPatch, files: CertificateFiles, broken: str, how: str
) -> None:
    path = {"certificate": files.certificate, "key": files.key, "client_authority": files.authority}[broken]
    path.unlink()
    if how == "a text":
        path.write_text("secret words", encoding="utf-8")
    elif how == "a directory":
        path.mkdir()
    lines = told(
        TEST_TLS_CERTIFICATE=files.certificate, TEST_TLS_KEY=files.key, TEST_TLS_CLIENT_AUTHORITY=files.authority
    )
    assert len(lines) == 1
    assert lines[0].startswith(f"TEST_TLS_{broken.upper()}='{path}': ")
    assert "secret words" not in lines[0]


def test_a_key_of_another_certificate_is_refused(told, files: CertificateFiles, tmp_path) -> None:
    other = CertificateFiles(tmp_path / "other").write()
    (line,) = told(TEST_TLS_CERTIFICATE=files.certificate, TEST_TLS_KEY=other.key)
    assert line.startswith(f"TEST_TLS_KEY='{other.key}': ")
    assert f"does not belong to {files.certificate}" in line


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:4318",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:port",
        "http://host/v1/traces?a=b",
        "grpc",
    ],
)
def test_a_receiver_of_traces_that_is_no_url_is_refused(told, url: str) -> None:
    (line,) = told(MOODFEED_TRACES_ENDPOINT=url)
    assert line.startswith("MOODFEED_TRACES_ENDPOINT: ")


def test_a_password_in_the_url_of_a_receiver_is_refused_and_not_repeated(told) -> None:
    (line,) = told(MOODFEED_TRACES_ENDPOINT="http://ops:hunter2@host:4318")
    assert "OTEL_EXPORTER_OTLP_HEADERS" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("ratio", ["-0.1", "1.1", "nan", "some"])
def test_a_share_of_traces_beyond_0_to_1_is_refused(told, ratio: str) -> None:
    (line,) = told(MOODFEED_TRACES_RATIO=ratio)
    assert line.startswith(f"MOODFEED_TRACES_RATIO='{ratio}': ")


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://tempo.example/", "https://tempo.example/v1/traces"),
        ("http://[::1]:4318/otlp/v1/traces", "http://[::1]:4318/otlp/v1/traces"),
    ],
)
def test_the_usual_path_is_added_to_a_receiver_that_has_none(
    monkeypatch: pytest.MonkeyPatch, url: str, called: str
) -> None:
    monkeypatch.setenv("MOODFEED_TRACES_ENDPOINT", url)
    endpoint = load_settings(Settings).traces_endpoint
    assert endpoint is not None
    assert endpoint.get_secret_value() == called


def test_without_a_receiver_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODFEED_TRACES_ENDPOINT", " ")
    assert load_settings(Settings).traces_endpoint is None
