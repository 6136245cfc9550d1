"""Who may ask for feeds, and how often: the tokens of the public API, for both of its edges."""

from collections.abc import Sequence
from typing import Self

import grpc
from prometheus_client import Counter

from gateway.rate_limit import RateLimit
from gateway.settings import Settings
from rpc.errors import ErrorRow, ErrorTable
from rpc.guard import Caller
from rpc.token_file import TokenFile, authorizations_of

CALLS = Counter("moodfeed_api_calls_total", "Calls of the public API, by the token's name.", ["token_name", "outcome"])


class ApiAccessError(Exception):
    """A call of the public API is refused.

    ApiAccessError
    ├── ApiTokenInvalidError
    └── RateLimitedError
    """


class ApiTokenInvalidError(ApiAccessError):
    """The call shows no token, or one that is not valid now."""

    def __init__(self) -> None:
        super().__init__("a valid token is needed: authorization: Bearer TOKEN")


class RateLimitedError(ApiAccessError):
    """The token's callers ask more often than they may."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("this token asks too often, try again later")
        self.retry_after_seconds = retry_after_seconds


ACCESS_ERRORS: ErrorTable = {
    ApiTokenInvalidError: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "API_TOKEN_INVALID"),
    RateLimitedError: ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
}


class ApiAccess:
    """Lets calls in by token and rate."""

    def __init__(self, *, tokens: TokenFile | None = None, rate_limit: RateLimit | None = None) -> None:
        """Without ``tokens`` everybody is let in; without ``rate_limit`` as often as they like."""
        self._tokens = tokens
        self._rate_limit = rate_limit

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What an operator set; FileContentError if the tokens cannot be used."""
        rate = settings.token_requests_per_second
        return cls(
            tokens=TokenFile(settings.api_tokens_file) if settings.api_tokens_file else None,
            rate_limit=RateLimit(requests_per_second=rate, burst=settings.token_burst) if rate else None,
        )

    def admit_caller(self, caller: Caller) -> None:
        """Let in a gRPC call; for a guard that answers ACCESS_ERRORS."""
        self.admit(authorizations_of(caller.invocation_metadata()))

    def admit(self, authorizations: Sequence[str]) -> None:
        """Let in a call with these values of ``authorization``; ApiTokenInvalidError, RateLimitedError."""
        if self._tokens is None:
            return
        name = self._tokens.name_of(authorizations)
        if name is None:
            CALLS.labels("", "token_invalid").inc()
            raise ApiTokenInvalidError
        wait_seconds = self._rate_limit.take(name) if self._rate_limit else 0.0
        CALLS.labels(name, "rate_limited" if wait_seconds else "admitted").inc()
        if wait_seconds:
            raise RateLimitedError(wait_seconds)
