"""Access to the public API: its tokens and their rate limits, for both edges."""

from collections.abc import Sequence
from typing import Self

import grpc
from prometheus_client import Counter

from gateway.rate_limit import RateLimit
from gateway.settings import SCOPES, Settings
from rpc.errors import ErrorRow, ErrorTable
from rpc.guard import Caller
from rpc.token_file import TokenFile, authorizations_of

CALLS = Counter(
    "moodfeed_api_calls_total", "Calls of the public API, by the name of the token.", ["token_name", "outcome"]
)


FEEDS, FEEDBACK, CATALOG = SCOPES

_SCOPES_OF_A_LINE_WITHOUT = frozenset({FEEDS})


class ApiAccessError(Exception):
    """A call of the public API is refused.

    ApiAccessError
    ├── ApiTokenInvalidError
    ├── RateLimitedError
    └── TokenScopeError
    """


class ApiTokenInvalidError(ApiAccessError):
    """The call carries no token, or one that is not valid now."""

    def __init__(self) -> None:
        super().__init__("missing or invalid token: send the header `authorization: Bearer TOKEN`")


class TokenScopeError(ApiAccessError):
    """The token is valid, and not for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this token does not have the scope {scope}: its line in the tokens file must name it")


class RateLimitedError(ApiAccessError):
    """The token is used more often than its rate limit allows."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("rate limit exceeded for this token: try again later")
        self.retry_after_seconds = retry_after_seconds


ACCESS_ERRORS: ErrorTable = {
    ApiTokenInvalidError: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "API_TOKEN_INVALID"),
    TokenScopeError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "TOKEN_SCOPE_MISSING"),
    RateLimitedError: ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
}


class ApiAccess:
    """Admits or refuses calls by token and rate."""

    def __init__(
        self,
        *,
        tokens: TokenFile | None = None,
        rate_limit: RateLimit | None = None,
        feedback_rate_limit: RateLimit | None = None,
        catalog_rate_limit: RateLimit | None = None,
    ) -> None:
        """Without ``tokens`` every call is admitted; without a rate limit tokens have none."""
        self._tokens = tokens
        self._rate_limits = {FEEDS: rate_limit, FEEDBACK: feedback_rate_limit, CATALOG: catalog_rate_limit}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Build it from the settings; raises FileContentError if the token file cannot be used."""
        limits = [
            RateLimit(requests_per_second=rate, burst=settings.token_burst) if rate else None
            for rate in (
                settings.token_requests_per_second,
                settings.feedback_requests_per_second,
                settings.catalog_requests_per_second,
            )
        ]
        return cls(
            tokens=TokenFile(settings.api_tokens_file, scopes=SCOPES) if settings.api_tokens_file else None,
            rate_limit=limits[0],
            feedback_rate_limit=limits[1],
            catalog_rate_limit=limits[2],
        )

    def admit_caller(self, caller: Caller) -> None:
        """Admit a gRPC call for feeds; raises as ``admit`` does."""
        self.admit(authorizations_of(caller.invocation_metadata()))

    def admit_feedback_caller(self, caller: Caller) -> None:
        """Admit a gRPC call that records feedback; raises as ``admit`` does."""
        self.admit(authorizations_of(caller.invocation_metadata()), scope=FEEDBACK)

    @property
    def needs_token(self) -> bool:
        """Whether a call needs a token."""
        return self._tokens is not None

    def knows(self, authorizations: Sequence[str]) -> bool:
        """Whether these values hold a token that is valid now, whatever it is for."""
        return self._tokens is not None and self._tokens.entry_of(authorizations) is not None

    def charge(self, authorizations: Sequence[str], requests: int) -> None:
        """Count further requests for feeds of a call that was admitted; the next ones wait the longer for it."""
        entry = self._tokens.entry_of(authorizations) if self._tokens else None
        rate_limit = self._rate_limits[FEEDS]
        if entry is not None and rate_limit is not None:
            rate_limit.charge(entry.name, requests)

    def admit(self, authorizations: Sequence[str], *, scope: str = FEEDS) -> None:
        """Admit a call with these ``authorization`` values.

        Raises ApiTokenInvalidError, TokenScopeError, RateLimitedError.
        """
        if self._tokens is None:
            return
        entry = self._tokens.entry_of(authorizations)
        if entry is None:
            CALLS.labels("", "token_invalid").inc()
            raise ApiTokenInvalidError
        name = entry.name
        if scope not in (entry.scopes or _SCOPES_OF_A_LINE_WITHOUT):
            CALLS.labels(name, "scope_missing").inc()
            raise TokenScopeError(scope)
        rate_limit = self._rate_limits[scope]
        wait_seconds = rate_limit.take(name) if rate_limit else 0.0
        CALLS.labels(name, "rate_limited" if wait_seconds else "admitted").inc()
        if wait_seconds:
            raise RateLimitedError(wait_seconds)
