"""How the command reaches a process: the address, whom it trusts, what it shows."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import grpc
import typer

API_TOKEN = "MOODFEED_API_TOKEN"  # noqa: S105 - the name of a variable

AuthorityOption = Annotated[
    Path | None,
    typer.Option(envvar="MOODFEED_AUTHORITY", help="PEM file of the authority to trust; without it plaintext."),
]
CertificateOption = Annotated[
    Path | None, typer.Option(envvar="MOODFEED_CERTIFICATE", help="PEM file of the certificate to show, with --key.")
]
KeyOption = Annotated[Path | None, typer.Option(envvar="MOODFEED_KEY", help="PEM file of its key.")]


class CredentialsError(Exception):
    """The options of TLS do not go together, or a file cannot be read: names it."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the command trusts and what it shows, PEM files; plaintext without an authority."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def open_channel(self, address: str) -> grpc.Channel:
        """A channel to host:port; CredentialsError."""
        if (self.certificate is None) != (self.key is None):
            raise CredentialsError("--certificate and --key stand or fall together")
        if self.authority is None:
            if self.certificate is not None:
                raise CredentialsError("--certificate needs --authority beside it")
            return grpc.insecure_channel(address)
        return grpc.secure_channel(
            address,
            grpc.ssl_channel_credentials(
                _read(self.authority),
                _read(self.key) if self.key else None,
                _read(self.certificate) if self.certificate else None,
            ),
        )

    def ssl_context(self) -> ssl.SSLContext | None:
        """The same for HTTPS; None for plaintext. Raises CredentialsError."""
        if self.authority is None:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            if self.certificate is not None and self.key is not None:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            raise CredentialsError(f"{self.authority}: {error}") from error
        return context


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """A gateway's gRPC address, host:port, and how to be let in."""

    address: str
    trust: Trust = Trust()
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(
        cls, address: str, trust: Trust, environment: Mapping[str, str] = os.environ
    ) -> "GatewayAccess":
        """With the token of MOODFEED_API_TOKEN: an option would show it to everybody who lists processes."""
        return cls(address, trust, environment.get(API_TOKEN, ""))

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """What each call carries."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}") from error
