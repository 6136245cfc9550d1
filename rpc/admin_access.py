"""Calls for operators only: a token of their own, or, where none is set up, nobody but this machine."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc

from rpc.errors import ErrorRow, ErrorTable, status_of
from rpc.server_settings import is_loopback
from rpc.token_file import TokenFile, authorizations_of
from rpc.unary import UnaryInterceptor

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
        super().__init__("admin calls need the metadata `authorization: Bearer TOKEN` with an admin token")


class AdminForbiddenError(AdminAccessError):
    """No admin token is set up, and the caller is on another machine."""

    def __init__(self) -> None:
        super().__init__(f"admin calls come from this machine only, unless {ADMIN_TOKEN_FILE} is set")


ADMIN_ERRORS: ErrorTable = {
    AdminTokenInvalidError: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "ADMIN_TOKEN_INVALID"),
    AdminForbiddenError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "ADMIN_FORBIDDEN"),
}


class AdminInterceptor(UnaryInterceptor):
    """Guards all methods of one service of a sync server; stands outside the interceptors that read a request."""

    def __init__(self, service_name: str, tokens_file: Path | None) -> None:
        """Read the tokens, lines as in rpc.token_file; FileContentError if they cannot be used."""
        super().__init__()
        self._prefix = f"/{service_name}/"
        self._tokens = TokenFile(tokens_file) if tokens_file else None

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """Guard a method; streams of the guarded service are not served at all."""
        if not method.startswith(self._prefix):
            return handler
        return None if handler.unary_unary is None else super().wrap_handler(method, handler)

    def wrap(self, method: str, answer: Any) -> Any:
        """Answer operators."""

        def answer_operators(request: Any, context: Any) -> Any:
            try:
                self._admit(context)
            except AdminAccessError as error:
                context.abort_with_status(status_of(ADMIN_ERRORS, error, method))
            return answer(request, context)

        return answer_operators

    def _admit(self, context: Any) -> None:
        if self._tokens is None:
            if not is_loopback_peer(context.peer()):
                raise AdminForbiddenError
        elif self._tokens.name_of(authorizations_of(context.invocation_metadata())) is None:
            raise AdminTokenInvalidError


def is_loopback_peer(peer: str) -> bool:
    """Whether a gRPC peer, such as ``ipv4:127.0.0.1:4711``, ``ipv6:%5B::1%5D:4711`` or ``unix:``, is this machine."""
    kind, _, address = unquote(peer).partition(":")
    if kind == "unix":
        return True
    return kind in {"ipv4", "ipv6"} and is_loopback(address.rpartition(":")[0])
