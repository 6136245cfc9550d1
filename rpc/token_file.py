"""Bearer tokens: a file of names and hashes, and the check of the token that a caller shows."""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rpc.watched_files import FileContentError, WatchedFiles, read_file

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<sha256>[0-9a-f]{64})(?::(?P<scopes>[a-z]+(?:,[a-z]+)*))?")
_SCHEME = "bearer"


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """The name of a token's owner and the token's sha256 in hexadecimal; the token itself is stored nowhere.

    ``scopes`` are what the token is for; empty if its line names none.
    """

    name: str
    sha256: str
    scopes: frozenset[str] = frozenset()


class TokenFile:
    """The tokens that are valid now; a change of the file takes effect with the next request."""

    def __init__(self, path: Path, *, scopes: Collection[str] = ()) -> None:
        """Read the file, whose lines may name these ``scopes``; FileContentError if a line is wrong."""
        self._entries = WatchedFiles([path], lambda: read_token_file(path, scopes=scopes))

    def name_of(self, authorizations: Sequence[str]) -> str | None:
        """The owner of the one token in a request's values of ``authorization: Bearer TOKEN``; None if it has no owner.

        Takes the same time whichever entry matches, or none.
        """
        entry = self.entry_of(authorizations)
        return entry.name if entry else None

    def entry_of(self, authorizations: Sequence[str]) -> TokenEntry | None:
        """The same, with the scopes of the token."""
        token = _bearer_token(authorizations)
        shown = hashlib.sha256((token or "").encode()).hexdigest()
        found = None
        for entry in self._entries.current():
            if hmac.compare_digest(entry.sha256, shown):
                found = entry
        return found if token else None


def read_token_file(path: Path, *, scopes: Collection[str] = ()) -> tuple[TokenEntry, ...]:
    """Read lines of ``name:sha256`` or, with scopes of ``scopes``, ``name:sha256:scope,scope``.

    Empty lines and lines that begin with # are ignored.

    A name may have several tokens: the old and the new one, while its callers change over. Raises a FileContentError
    that gives the number of the bad line, never its content: it may be a token that was written there by mistake.
    """
    entries = []
    for number, line in enumerate(read_file(path).decode("utf-8-sig", errors="replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise FileContentError(
                path, f"line {number} is not `name:sha256 of the token`; `moodfeed make-token NAME` makes one"
            )
        named = frozenset((match["scopes"] or "").split(",")) - {""}
        if unknown := named - frozenset(scopes):
            known = f"the known ones are {', '.join(sorted(scopes))}" if scopes else "these tokens have no scopes"
            raise FileContentError(path, f"line {number} names the scope {min(unknown)}: {known}")
        entries.append(TokenEntry(match["name"], match["sha256"], named))
    if len({entry.sha256 for entry in entries}) < len(entries):
        raise FileContentError(path, "two lines have the same token")
    return tuple(entries)


def authorizations_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> list[str]:
    """The ``authorization`` values of a gRPC call's metadata."""
    return [value for key, value in metadata or () if key == "authorization" and isinstance(value, str)]


def _bearer_token(authorizations: Sequence[str]) -> str | None:
    if len(authorizations) != 1:
        return None
    scheme, _, token = authorizations[0].partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else None
