"""The settings of every process that listens: TLS, consent to plaintext, the limit of connections."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rpc.addresses import is_loopback, read_address
from rpc.tls import ServerTls, check_authority, check_certificate, check_pair
from rpc.watched_files import FileContentError

ALLOW_PLAINTEXT = "MOODFEED_ALLOW_PLAINTEXT"


class ServerSettings(BaseSettings):
    """Read with the prefix of the process. The addresses of a subclass need TLS, loopback or consent to plaintext."""

    model_config = SettingsConfigDict(frozen=True)

    allow_plaintext: bool = Field(
        False,
        validation_alias=ALLOW_PLAINTEXT,
        description="allow listening without TLS on addresses other than loopback",
    )
    tls_certificate: Path | None = Field(None, description="PEM file with the server's certificate chain")
    tls_key: Path | None = Field(
        None, validate_default=True, description="PEM file with the private key of the certificate"
    )
    tls_client_authority: Path | None = Field(
        None, description="PEM file of the authority that every client certificate must be signed by"
    )
    max_connections: int = Field(1000, ge=1, description="maximum number of open connections, for each port")
    traces_endpoint: SecretStr | None = Field(  # a password in it must not reach a log
        None,
        validation_alias="MOODFEED_TRACES_ENDPOINT",
        description="URL of the OTLP/HTTP receiver that traces are sent to, such as `http://127.0.0.1:4318`; if unset, "
        "tracing is off",
    )
    traces_ratio: float = Field(
        0.01,
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias="MOODFEED_TRACES_RATIO",
        description="share of requests that are traced, 0 to 1; the compute services follow the gateway's decision",
    )
    traces_follow_callers: bool = Field(
        True,
        validation_alias="MOODFEED_TRACES_FOLLOW_CALLERS",
        description="whether a request with a `traceparent` is traced if and only if its caller sampled it; "
        "if false, the ratio decides",
    )

    def server_tls(self) -> ServerTls | None:
        """The server's TLS; None for plaintext."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return ServerTls(self.tls_certificate, self.tls_key, self.tls_client_authority)

    @field_validator("traces_endpoint")
    @classmethod
    def _receiver_has_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else SecretStr(receiver_url(url.get_secret_value()))

    @field_validator("tls_certificate")
    @classmethod
    def _certificate_is_one(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(check_certificate, path)
        return path

    @field_validator("tls_key")
    @classmethod
    def _key_and_certificate_are_a_pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return check_pair_fields(cls, key, info, certificate_field="tls_certificate")

    @field_validator("tls_client_authority")
    @classmethod
    def _authority_is_one(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None:
            if "tls_certificate" in info.data and info.data["tls_certificate"] is None:
                raise ValueError(f"requires {variable_of(cls, 'tls_certificate')}")
            in_settings_words(check_authority, path)
        return path

    @field_validator("address", "grpc_address", "http_address", check_fields=False)
    @classmethod
    def _plaintext_is_a_choice(cls, address: str, info: ValidationInfo) -> str:
        has_tls = info.data.get("tls_certificate", True) is not None  # a bad certificate is reported on its own
        if not (has_tls or info.data.get("allow_plaintext") or read_address(address).is_loopback):
            raise ValueError(
                f"is not loopback and has no TLS: set {variable_of(cls, 'tls_certificate')} and "
                f"{variable_of(cls, 'tls_key')} (plaintext is refused there while {ALLOW_PLAINTEXT} is false)"
            )
        return address

    @field_validator("metrics_host", check_fields=False)
    @classmethod
    def _plain_metrics_are_a_choice(cls, host: str, info: ValidationInfo) -> str:
        has_tls = info.data.get("tls_certificate", True) is not None  # a bad certificate is reported on its own
        if not (has_tls or info.data.get("allow_plaintext") or is_loopback(host)):
            raise ValueError(
                f"is not loopback and has no TLS: set {variable_of(cls, 'tls_certificate')} and "
                f"{variable_of(cls, 'tls_key')}, or give a loopback host"
            )
        return host


def receiver_url(url: str) -> str:
    """The URL of an OTLP receiver, with the usual path where it has none; ValueError if it cannot be one."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or parts.query or parts.fragment:
        raise ValueError("is not a URL such as http://host:port or https://host:port/path")
    if parts.username is not None:
        raise ValueError("contains a username or a password: set OTEL_EXPORTER_OTLP_HEADERS instead")
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/v1/traces"


def variable_of(settings: type[BaseSettings], field: str) -> str:
    """The environment variable of a field that has no alias."""
    return f"{settings.model_config.get('env_prefix', '')}{field.upper()}"


def check_pair_fields(
    settings: type[BaseSettings], key: Path | None, info: ValidationInfo, *, certificate_field: str
) -> Path | None:
    """Validate a key: it and its certificate must both be given and belong together, or both be absent."""
    if certificate_field not in info.data:
        return key  # the certificate is bad, and is reported on its own
    certificate: Path | None = info.data[certificate_field]
    if (certificate is None) != (key is None):
        raise ValueError(f"must be set together with {variable_of(settings, certificate_field)}")
    if certificate is not None and key is not None:
        in_settings_words(check_pair, certificate, key)
    return key


def in_settings_words(check: Callable[..., object], *paths: Path) -> None:
    """Run a check of files; a bad file is an invalid value of the setting."""
    try:
        check(*paths)
    except FileContentError as error:
        # A path may hold bytes that are no UTF-8, which pydantic takes in no message.
        raise ValueError(str(error).encode(errors="replace").decode()) from error
