from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from compute.settings import ComputeSettings, server_options
from rpc.environment import WRONG_SETTINGS_EXIT_CODE, load_settings
from tests.certificate_files import CertificateFiles


class Settings(ComputeSettings):
    model_config = SettingsConfigDict(env_prefix="TEST_", frozen=True)
    address: str = "127.0.0.1:50051"
    bundles: Path = Path("bundles")
    metrics_port: int = 0


def test_a_token_written_in_place_of_its_hash_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "admin"
    path.write_text("# operators\noperator:the-token-itself\n", encoding="utf-8")
    monkeypatch.setenv("MOODFEED_ADMIN_TOKEN_FILE", str(path))
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == WRONG_SETTINGS_EXIT_CODE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"MOODFEED_ADMIN_TOKEN_FILE='{path}': ")
    assert "line 2" in line
    assert "the-token-itself" not in line


def test_the_options_of_a_server_are_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POOL_SIZE", "3")
    monkeypatch.setenv("TEST_MOST_WAITING", "7")
    monkeypatch.setenv("TEST_GRACE_SECONDS", "1.5")
    monkeypatch.setenv("TEST_MAX_CONNECTIONS", "9")
    options = server_options(load_settings(Settings), name="test", admin_service="an.AdminService")
    assert (options.name, options.address, options.address_variable) == ("test", "127.0.0.1:50051", "TEST_ADDRESS")
    assert (options.pool_size, options.most_waiting, options.grace_seconds, options.max_connections) == (3, 7, 1.5, 9)
    assert (options.admin_service, options.admin_tokens_file, options.tls) == ("an.AdminService", None, None)


@pytest.mark.parametrize(
    ("host", "is_plaintext_allowed", "is_tls"),
    [("127.0.0.1", "false", False), ("0.0.0.0", "false", True), ("0.0.0.0", "true", False)],
)
def test_metrics_have_the_certificates_of_the_service_beyond_loopback_unless_plaintext_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, is_plaintext_allowed: str, is_tls: bool
) -> None:
    files = CertificateFiles(tmp_path / "files").write()
    monkeypatch.setenv("TEST_TLS_CERTIFICATE", str(files.certificate))
    monkeypatch.setenv("TEST_TLS_KEY", str(files.key))
    monkeypatch.setenv("TEST_METRICS_HOST", host)
    monkeypatch.setenv("MOODFEED_ALLOW_PLAINTEXT", is_plaintext_allowed)
    options = server_options(load_settings(Settings), name="test", admin_service="")
    assert options.metrics_tls == (options.tls if is_tls else None)
    assert options.tls is not None
