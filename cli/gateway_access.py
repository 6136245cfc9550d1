"""How the command reaches a process: its address, the authority to trust, and the credentials to show."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import grpc
import typer

from rpc.tls import ClientTls

API_TOKEN = "MOODFEED_API_TOKEN"  # noqa: S105 - the name of a variable

DEFAULT_GATEWAY = "127.0.0.1:50050"
GatewayOption = Annotated[
    str, typer.Option(envvar="MOODFEED_GATEWAY_GRPC_ADDRESS", help="host:port of the gateway's gRPC server.")
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(
        envvar="MOODFEED_AUTHORITY",
        help="PEM file of the certificate authority to trust; without it connections are plaintext.",
    ),
]
CertificateOption = Annotated[
    Path | None,
    typer.Option(envvar="MOODFEED_CERTIFICATE", help="PEM file of the client certificate to show; needs --key."),
]
KeyOption = Annotated[
    Path | None, typer.Option(envvar="MOODFEED_KEY", help="PEM file of the client certificate's key.")
]


class CredentialsError(Exception):
    """The TLS options do not go together: says which one is missing."""


def client_tls(authority: Path | None, certificate: Path | None, key: Path | None) -> ClientTls | None:
    """The TLS that the three options ask for; None for plaintext. Raises CredentialsError."""
    if (certificate is None) != (key is None):
        raise CredentialsError("--certificate and --key must be given together")
    if authority is not None:
        return ClientTls(authority, certificate, key)
    if certificate is not None:
        raise CredentialsError("--certificate needs --authority")
    return None


def https_context(tls: ClientTls) -> ssl.SSLContext:
    """The same trust and credentials for HTTPS; OSError if a file cannot be used."""
    context = ssl.create_default_context(cafile=str(tls.authority))
    if tls.certificate is not None and tls.key is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def is_unreachable(error: grpc.RpcError) -> bool:
    """Whether a call failed because nothing accepts connections at its address."""
    return error.code() == grpc.StatusCode.UNAVAILABLE and "connect" in (error.details() or "")


def bearer(token: str) -> list[tuple[str, str]]:
    """The metadata that carries a token; empty for an empty token."""
    return [("authorization", f"Bearer {token}")] if token else []


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """A gateway's gRPC address, host:port, and what a call to it needs."""

    address: str
    tls: ClientTls | None = None
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(
        cls, address: str, tls: ClientTls | None, environment: Mapping[str, str] = os.environ
    ) -> "GatewayAccess":
        """With the token of MOODFEED_API_TOKEN; an option would show it to everyone who lists processes."""
        return cls(address, tls, environment.get(API_TOKEN, ""))
