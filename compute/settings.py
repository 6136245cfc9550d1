"""The settings of a compute service: its address, bundles, threads, metrics, and who may administer it."""

from pathlib import Path

from pydantic import Field, field_validator

from rpc.addresses import is_loopback
from rpc.admin_access import ADMIN_TOKEN_FILE
from rpc.environment import LogLevel
from rpc.server import ServerOptions
from rpc.server_settings import ServerSettings, in_settings_words, variable_of
from rpc.tls import ServerTls
from rpc.token_file import read_token_file


class ComputeSettings(ServerSettings):
    """Settings of a process that holds bundles and answers from a pool of threads."""

    address: str
    bundles: Path
    metrics_port: int
    admin_token_file: Path | None = Field(
        None,
        validation_alias=ADMIN_TOKEN_FILE,
        description="file of admin tokens, lines of name:sha256; without it, admin calls must come directly from this "
        "machine, and the one-process mode refuses them",
    )
    pool_size: int = Field(2, ge=1, le=64, description="threads that answer requests")
    most_waiting: int = Field(
        128, ge=0, description="maximum number of requests that wait for a thread; further ones are refused at once"
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="host that the metrics are served on: over HTTPS on another than loopback, unless plaintext is "
        "allowed",
    )
    grace_seconds: float = Field(10.0, ge=0, description="how long shutdown waits for requests in flight")
    log_level: LogLevel = Field("info", description="lowest severity that is logged")

    @field_validator("admin_token_file")
    @classmethod
    def _admin_tokens_can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            in_settings_words(read_token_file, path)
        return path

    def metrics_tls(self) -> ServerTls | None:
        """The TLS of the metrics; None for plain HTTP, which is for loopback and wherever plaintext is allowed."""
        return None if self.allow_plaintext or is_loopback(self.metrics_host) else self.server_tls()


def server_options(settings: ComputeSettings, *, name: str, admin_service: str) -> ServerOptions:
    """The options of the server that the settings describe; only operators may call ``admin_service``."""
    return ServerOptions(
        name=name,
        address=settings.address,
        address_variable=variable_of(type(settings), "address"),
        pool_size=settings.pool_size,
        grace_seconds=settings.grace_seconds,
        metrics_port=settings.metrics_port,
        metrics_host=settings.metrics_host,
        metrics_tls=settings.metrics_tls(),
        most_waiting=settings.most_waiting,
        tls=settings.server_tls(),
        max_connections=settings.max_connections,
        admin_service=admin_service,
        admin_tokens_file=settings.admin_token_file,
    )
