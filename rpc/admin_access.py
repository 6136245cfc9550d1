"""Admin calls: operators pass an admin token. Without a token file, direct calls from this machine are admitted."""

from pathlib import Path
from urllib.parse import unquote

import grpc

from rpc.addresses import is_loopback
from rpc.errors import ErrorRow, ErrorTable
from rpc.guard import Caller
from rpc.token_file import TokenFile, authorizations_of

ADMIN_TOKEN_FILE = "MOODFEED_ADMIN_TOKEN_FILE"  # noqa: S105 - the name of a variable


class AdminAccessError(Exception):
    """An admin call is refused.

    AdminAccessError
    ├── AdminTokenInvalidError
    └── AdminForbiddenError
    """


class AdminTokenInvalidError(AdminAccessError):
    """The call shows no admin token, or a wrong one."""

    def __init__(self) -> None:
        super().__init__("admin calls need `authorization: Bearer TOKEN` with an admin token")


class AdminForbiddenError(AdminAccessError):
    """No admin token is set up, and the call comes from another machine, or its origin is unknown."""

    def __init__(self, why: str = "admin calls are accepted only from this machine") -> None:
        super().__init__(f"{why}, unless {ADMIN_TOKEN_FILE} is set")


ADMIN_ERRORS: ErrorTable = {
    AdminTokenInvalidError: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "ADMIN_TOKEN_INVALID"),
    AdminForbiddenError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "ADMIN_FORBIDDEN"),
}


_FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
"""What proxies add to the requests that they pass on."""


class AdminAccess:
    """Decides who may make admin calls."""

    def __init__(self, tokens_file: Path | None, *, is_public: bool = False) -> None:
        """Read the tokens, in the form of rpc.token_file; FileContentError if they cannot be used.

        ``is_public`` means that callers of feeds reach the address. A reverse proxy may then run on this machine, and
        every call comes from loopback, so no admin call is admitted without a token.
        """
        self._tokens = TokenFile(tokens_file) if tokens_file else None
        self._is_public = is_public

    @property
    def needs_token(self) -> bool:
        """Whether operators show a token."""
        return self._tokens is not None

    def admit(self, caller: Caller) -> None:
        """Let an operator's call pass; AdminTokenInvalidError, AdminForbiddenError."""
        if self._tokens is None:
            if self._is_public:
                raise AdminForbiddenError("admin calls are refused on an address that serves feeds")
            if not is_loopback_peer(caller.peer()):
                raise AdminForbiddenError
            if _FORWARDED & {name.lower() for name, _ in caller.invocation_metadata() or ()}:
                raise AdminForbiddenError("admin calls through a proxy are refused")
        elif self._tokens.name_of(authorizations_of(caller.invocation_metadata())) is None:
            raise AdminTokenInvalidError


def is_loopback_peer(peer: str) -> bool:
    """Whether a gRPC peer, such as ``ipv4:127.0.0.1:4711``, ``ipv6:%5B::1%5D:4711`` or ``unix:``, is this machine."""
    kind, _, address = unquote(peer).partition(":")
    if kind == "unix":
        return True
    return kind in {"ipv4", "ipv6"} and is_loopback(address.rpartition(":")[0])
