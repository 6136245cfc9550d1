"""A directory of PEM files as a process is given it, and the authorities that sign them."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from cli.certificates import Authority, issue, new_authority, replace_file

LIFETIME = timedelta(hours=1)


@cache
def authority_named(name: str) -> Authority:
    return new_authority(lifetime=LIFETIME, name=name)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.directory / "key.pem"

    @property
    def authority(self) -> Path:
        return self.directory / "authority.pem"

    def ssl_context(self) -> ssl.SSLContext:
        """For an HTTP client that trusts this authority and shows this certificate."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.certificate, self.key)
        return context

    def write(self, authority_name: str = "ours", *, trusted: str | None = None) -> "CertificateFiles":
        """A new pair signed by an authority, and the authority that whoever reads this directory is to trust."""
        self.directory.mkdir(exist_ok=True)
        issued = issue(authority_named(authority_name), "localhost", lifetime=LIFETIME)
        for path, content in (
            (self.key, issued.key),
            (self.certificate, issued.certificate),
            (self.authority, authority_named(trusted or authority_name).pem),
        ):
            replace_file(path, content, mode=0o600)
        return self
