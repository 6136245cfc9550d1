"""A small certificate authority for a private network, and a certificate for each process, as PEM files."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.whole_files import whole_file

PROCESSES = ("gateway", "user_tower_service", "post_index_service")
CLIENT = "client"
SCRAPER = "scraper"
_BACKDATED = timedelta(minutes=5)  # clocks of two machines differ
_PRIVATE_DIRECTORY = 0o700
_SHARED_DIRECTORY = 0o755
_SHARED_FILE = 0o644
_PRIVATE_FILE = 0o600


class AuthorityError(Exception):
    """The certificate authority in the directory cannot be used: names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that signs others, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as PEM, for the processes that are to trust it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


def new_authority(*, lifetime: timedelta, name: str = "Moodfeed authority") -> Authority:
    """Make an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key, lifetime)
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = builder.add_extension(constraints, True).add_extension(usage, True).sign(key, hashes.SHA256())
    return Authority(certificate, key)


def issue(authority: Authority, name: str, *, lifetime: timedelta) -> Issued:
    """Make a certificate for a process that is reached as ``name`` or on loopback, as a server and as a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [
        x509.DNSName(name),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    certificate = (
        _builder(_name(name), authority.certificate.subject, key, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def write_certificates(directory: Path, *, lifetime: timedelta) -> tuple[str, ...]:
    """Give each process, and one client, a directory with ``certificate.pem``, ``key.pem`` and ``authority.pem``.

    The authority is kept in ``directory`` for the next call and is valid for ten lifetimes, so that running processes
    can change to new certificates while the old ones are still trusted. Only the owner can enter ``directory``. The
    files in a process's own directory are readable by all, such as the user of a container that mounts it. A scraper of
    metrics, which needs no certificate, has a directory with ``authority.pem`` alone. Returns the names of the others.
    Raises AuthorityError.
    """
    directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    directory.chmod(_PRIVATE_DIRECTORY)
    authority = _kept_authority(directory, lifetime)
    names = (*PROCESSES, CLIENT)
    for name in names:
        issued = issue(authority, name, lifetime=lifetime)
        place = directory / name
        place.mkdir(exist_ok=True)
        place.chmod(_SHARED_DIRECTORY)
        replace_file(place / "authority.pem", authority.pem, mode=_SHARED_FILE)
        replace_file(place / "key.pem", issued.key, mode=_SHARED_FILE)
        replace_file(place / "certificate.pem", issued.certificate, mode=_SHARED_FILE)
    (directory / SCRAPER).mkdir(exist_ok=True)
    (directory / SCRAPER).chmod(_SHARED_DIRECTORY)
    replace_file(directory / SCRAPER / "authority.pem", authority.pem, mode=_SHARED_FILE)
    return names


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file in one step: a reader sees either the old content or the new."""
    with whole_file(path, mode=mode) as temporary:
        temporary.write_bytes(content)


def _kept_authority(directory: Path, lifetime: timedelta) -> Authority:
    key_path, certificate_path = directory / "authority.key", directory / "authority.pem"
    if not key_path.exists():
        authority = new_authority(lifetime=10 * lifetime)
        replace_file(key_path, _key_pem(authority.key), mode=_PRIVATE_FILE)
        replace_file(certificate_path, authority.pem, mode=_SHARED_FILE)
        return authority
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise AuthorityError(
            f"{directory} holds no complete certificate authority: remove authority.key to make a new one"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityError(f"{key_path} is not the key of {certificate_path}: remove it to make a new authority")
    if certificate.not_valid_after_utc < datetime.now(UTC) + lifetime:
        raise AuthorityError(
            f"{certificate_path} expires before the certificates would: remove {key_path} to make a new authority"
        )
    return Authority(certificate, key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
