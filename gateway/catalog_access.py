"""Who may read and change posts: a token of the scope catalog, or an operator; without tokens, this machine alone."""

from dataclasses import dataclass

from gateway.api_access import CATALOG, ApiAccess
from rpc.admin_access import AdminAccess, AdminAccessError
from rpc.guard import Caller
from rpc.token_file import authorizations_of


@dataclass(frozen=True, slots=True)
class CatalogAccess:
    """Asks the tokens of the API first, then those of operators."""

    access: ApiAccess
    admin: AdminAccess

    def admit(self, caller: Caller) -> None:
        """Let a call pass.

        Raises ApiTokenInvalidError, TokenScopeError, RateLimitedError; without tokens of the API, AdminAccessError.
        """
        authorizations = authorizations_of(caller.invocation_metadata())
        if self.access.needs_token and (self.access.knows(authorizations) or not self.admin.needs_token):
            self.access.admit(authorizations, scope=CATALOG)
            return
        try:
            self.admin.admit(caller)
        except AdminAccessError:
            if self.access.needs_token:
                self.access.admit(authorizations, scope=CATALOG)  # which refuses it, and counts that
            raise
