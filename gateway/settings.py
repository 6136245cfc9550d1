"""What an operator may set of the gateway."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from rpc.server_settings import ServerSettings, check_pair_fields, in_settings_words, variable_of
from rpc.tls import ClientTls, check_authority
from rpc.token_file import read_token_file


def _split(value: object) -> object:
    """``host:port,host:port`` as a tuple."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


LARGEST_REQUEST_BYTES = 64 * 1024
"""Of one gRPC message; a feed's request with 1000 exclusions takes a fifth of it."""

Address = Annotated[str, Field(pattern=r"^.+:\d{1,5}$")]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""host:port of each replica; a name stands for every address that it resolves to."""


class Settings(ServerSettings):
    """Read from MOODFEED_GATEWAY_*."""

    model_config = SettingsConfigDict(env_prefix="MOODFEED_GATEWAY_", frozen=True)

    grpc_address: str = Field("127.0.0.1:50050", description="host and port of the gRPC server")
    http_address: str = Field("127.0.0.1:8000", description="host and port of the HTTP server")
    user_tower_address: Addresses = Field(
        ("127.0.0.1:50051",), description="where the replicas of the user tower service listen, with commas between"
    )
    post_index_address: Addresses = Field(
        ("127.0.0.1:50052",), description="where the replicas of the post index service listen, with commas between"
    )
    attempt_seconds: float = Field(
        0.5, gt=0, description="time after which a replica that does not answer is left for another one"
    )
    context_cache_size: int = Field(
        50_000, ge=0, description="users, and as many moods, that are remembered; 0 to ask the user tower every time"
    )
    most_in_flight: int = Field(32, ge=1, description="requests answered at once; more are refused at once")
    downstream_authority: Path | None = Field(
        None, description="PEM file of the authority of both compute services' certificates; none for plaintext to them"
    )
    downstream_certificate: Path | None = Field(
        None, description="PEM file of the certificate that the gateway shows to them"
    )
    downstream_key: Path | None = Field(None, validate_default=True, description="PEM file of that certificate's key")
    api_tokens_file: Path | None = Field(
        None, description="file of the callers' tokens, a line `name:sha256 of the token` each; none for an open API"
    )
    token_requests_per_second: float = Field(
        0, ge=0, description="requests that one token's callers may make a second, in the long run; 0 for any number"
    )
    token_burst: int = Field(20, ge=1, description="requests that they may make at once after a pause")
    deadline_seconds: float = Field(2.0, gt=0, description="longest time a request may take; callers may ask for less")
    grace_seconds: float = Field(10.0, ge=0, description="how long a stop waits for requests in flight")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least severe level logged")

    def downstream_tls(self) -> ClientTls | None:
        """TLS to the compute services; None for plaintext."""
        if self.downstream_authority is None:
            return None
        return ClientTls(self.downstream_authority, self.downstream_certificate, self.downstream_key)

    @field_validator("downstream_authority")
    @classmethod
    def _downstream_authority_is_one(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(check_authority, path)
        return path

    @field_validator("downstream_certificate")
    @classmethod
    def _certificate_needs_an_authority(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and info.data.get("downstream_authority", path) is None:
            raise ValueError(
                f"needs {variable_of(cls, 'downstream_authority')}: without it calls to them are plaintext"
            )
        return path

    @field_validator("downstream_key")
    @classmethod
    def _key_and_certificate_are_a_pair_downstream(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        return check_pair_fields(cls, key, info, certificate_field="downstream_certificate")

    @field_validator("api_tokens_file")
    @classmethod
    def _tokens_can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(read_token_file, path)
        return path

    @field_validator("token_requests_per_second")
    @classmethod
    def _a_rate_is_one_of_tokens(cls, rate: float, info: ValidationInfo) -> float:
        if rate and info.data.get("api_tokens_file", rate) is None:
            raise ValueError(f"needs {variable_of(cls, 'api_tokens_file')}: each token has its own rate")
        return rate
