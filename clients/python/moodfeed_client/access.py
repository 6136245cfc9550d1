"""How a client reaches a gateway: TLS, tokens, and the options of its channel."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

Token = str | Callable[[], str]
"""An API token, or what gives it for each call, where tokens change while a program runs."""

_LARGEST_ANSWER_BYTES = 64 * 1024 * 1024  # the data of one person may be large
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.enable_retries", 0),  # retries.py decides, by the reason of an error
    ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),  # over all addresses of a name
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # how long a connection may take, in spite of its name
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: of the authority that signed the gateway's certificate, and of a certificate of one's own.

    Without ``authority``, those of the system count. A gateway may require ``certificate`` and ``key``.
    ``server_name`` is the name in the gateway's certificate, if it is not the one in the address.
    """

    authority: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None
    server_name: str = ""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both, or neither")

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files; OSError if one cannot be read."""
        return grpc.ssl_channel_credentials(_read(self.authority), _read(self.key), _read(self.certificate))


def channel_options(tls: Tls | None) -> list[tuple[str, str | int]]:
    """The options of a channel."""
    named = [("grpc.ssl_target_name_override", tls.server_name)] if tls and tls.server_name else []
    return [*_OPTIONS, *named]


def metadata_of(token: Token | None) -> tuple[tuple[str, str | bytes], ...]:
    """The metadata of a call with a token."""
    text = token() if callable(token) else token
    return (("authorization", f"Bearer {text}"),) if text else ()


def _read(path: Path | str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
