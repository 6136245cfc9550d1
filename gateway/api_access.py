"""Access to the public API: its tokens and their rate limits, for both edges."""

from collections.abc import Sequence
from typing import Self

import grpc
from prometheus_client import Counter

from gateway.rate_limit import RateLimit
from gateway.settings import Settings
from rpc.errors import ErrorRow, ErrorTable
from rpc.guard import Caller
from rpc.token_file import TokenFile, authorizations_of

CALLS = Counter(
    "moodfeed_api_calls_total", "Calls of the public API, by the name of the token.", ["token_name", "outcome"]
)


class ApiAccessError(Exception):
    """A call of the public API is refused.

    ApiAccessError
    ├── ApiTokenInvalidError
    └── RateLimitedError
    """


class ApiTokenInvalidError(ApiAccessError):
    """The call carries no token, or one that is not valid now."""

    def __init__(self) -> None:
        super().__init__("missing or invalid token: send the header `authorization: Bearer TOKEN`")


class RateLimitedError(ApiAccessError):
    """The token is used more often than its rate limit allows."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("rate limit exceeded for this token: try again later")
        self.retry_after_seconds = retry_after_seconds


ACCESS_ERRORS: ErrorTable = {
    ApiTokenInvalidError: ErrorRow(grpc.StatusCode.UNAUTHENTICATED, "API_TOKEN_INVALID"),
    RateLimitedError: ErrorRow(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
}


class ApiAccess:
    """Admits or refuses calls by token and rate."""

    def __init__(self, *, tokens: TokenFile | None = None, rate_limit: RateLimit | None = None) -> None:
        """Without ``tokens`` every call is admitted; without ``rate_limit`` tokens have no rate limit."""
        self._tokens = tokens
        self._rate_limit = rate_limit

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Build it from the settings; raises FileContentError if the token file cannot be used."""
        rate = settings.token_requests_per_second
        return cls(
            tokens=TokenFile(settings.api_tokens_file) if settings.api_tokens_file else None,
            rate_limit=RateLimit(requests_per_second=rate, burst=settings.token_burst) if rate else None,
        )

    def admit_caller(self, caller: Caller) -> None:
        """Admit a gRPC call; raises as ``admit`` does."""
        self.admit(authorizations_of(caller.invocation_metadata()))

    def admit(self, authorizations: Sequence[str]) -> None:
        """Admit a call with these ``authorization`` values; raises ApiTokenInvalidError, RateLimitedError."""
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
