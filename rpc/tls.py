"""TLS from files that may change while a process runs: every handshake uses what they hold at that moment."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from rpc.watched_files import FileContentError, WatchedFiles, read_file


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The PEM files of a server's certificate chain and key, and of the authority that signs its clients."""

    certificate: Path
    key: Path
    client_authority: Path | None = None  # if set, clients without its certificates are refused

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return (self.certificate, self.key, *((self.client_authority,) if self.client_authority else ()))


@dataclass(frozen=True, slots=True)
class ClientTls:
    """The PEM files of the authority that a client trusts, and of its own certificate where servers require one."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(path for path in (self.authority, self.certificate, self.key) if path)

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files for a new channel; FileContentError if they cannot be used.

        A channel keeps its credentials: after a change of the files, open another channel.
        """
        authority = check_authority(self.authority)
        if self.certificate is None or self.key is None:
            return grpc.ssl_channel_credentials(authority)
        pair = check_pair(self.certificate, self.key)
        return grpc.ssl_channel_credentials(authority, pair.key, pair.certificate)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain and the key that belongs to it, PEM."""

    certificate: bytes
    key: bytes


class LiveServerTls:
    """The credentials of a server; the next handshake uses changed files, without a restart."""

    def __init__(self, tls: ServerTls) -> None:
        """Read the files; FileContentError if they cannot be used."""
        self._requires_client = tls.client_authority is not None
        self._identity = WatchedFiles(tls.paths, lambda: _read_identity(tls))
        self._given_to_grpc = self._identity.current()

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For ``add_secure_port`` of one sync or asyncio server."""
        return grpc.dynamic_ssl_server_credentials(
            self._given_to_grpc.grpc_configuration,
            self._changed_configuration,  # type: ignore[arg-type] # its documentation allows None
            self._requires_client,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """For a server on Python's ssl; each handshake switches to the current context."""
        context = self._identity.current().context
        context.sni_callback = self._hand_over
        return context

    def _changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        identity = self._identity.current()
        if identity is self._given_to_grpc:
            return None  # gRPC keeps the configuration that it has
        self._given_to_grpc = identity
        return identity.grpc_configuration

    def _hand_over(self, connection: ssl.SSLObject, server_name: str | None, context: ssl.SSLContext) -> None:  # noqa: ARG002
        connection.context = self._identity.current().context


@dataclass(frozen=True, slots=True, eq=False)
class _Identity:
    grpc_configuration: grpc.ServerCertificateConfiguration
    context: ssl.SSLContext


def check_certificate(path: Path) -> bytes:
    """The file's content, which holds at least one PEM certificate; FileContentError otherwise."""
    return _check_certificates(path, "certificate")


def check_authority(path: Path) -> bytes:
    """The PEM certificates of the file, at least one, without what stands between; FileContentError otherwise."""
    return _certificates_in(_check_certificates(path, "authority's certificate")).encode()


def check_pair(certificate: Path, key: Path) -> Pair:
    """A certificate and its key; FileContentError if either cannot be used, or they do not belong together."""
    return _load_pair(_server_context(), certificate, key)


def _read_identity(tls: ServerTls) -> _Identity:
    context = _server_context()
    pair = _load_pair(context, tls.certificate, tls.key)
    authority = None
    if tls.client_authority is not None:
        authority = check_authority(tls.client_authority)
        context.load_verify_locations(cadata=_certificates_in(authority))
        context.verify_mode = ssl.CERT_REQUIRED
    configuration = grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], authority)
    return _Identity(configuration, context)


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> Pair:
    pair = Pair(check_certificate(certificate), read_file(key))
    try:
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL asks at the terminal
    except (ssl.SSLError, OSError, ValueError) as error:
        is_mismatch = "KEY_VALUES_MISMATCH" in str(error)
        reason = f"does not belong to {certificate}" if is_mismatch else "does not hold an unencrypted PEM key"
        raise FileContentError(key, reason) from error
    if pair != Pair(read_file(certificate), read_file(key)):  # OpenSSL read the paths, gRPC gets these bytes
        raise FileContentError(certificate, "changed while it was read")
    return pair


def _check_certificates(path: Path, what: str) -> bytes:
    content = read_file(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=_certificates_in(content))
    except (ssl.SSLError, ValueError) as error:
        raise FileContentError(path, f"does not hold a PEM {what}") from error
    return content


def _certificates_in(content: bytes) -> str:
    """The certificates alone: comments between them may be in any encoding, which neither OpenSSL nor gRPC takes."""
    blocks = re.findall(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", content, re.DOTALL)
    return b"\n".join([*blocks, b""]).decode("ascii", errors="ignore")
