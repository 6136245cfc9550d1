"""Access to the public API: its tokens and their rate limits, for both edges."""

from collections.abc import Sequence
from typing import Any, Self

import grpc
from prometheus_client import Counter

from gateway.rate_limit import RateLimit
from gateway.settings import Settings
from rpc.errors import ErrorRow, ErrorTable, status_of
from rpc.token_file import TokenFile, authorizations_of
from rpc.unary import AsyncUnaryInterceptor, UnaryInterceptor

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


class _Guard:
    """Guards the unary methods of one service; it must precede the interceptors that read a request."""

    def __init__(self, service_name: str, access: ApiAccess) -> None:
        super().__init__()
        self._prefix = f"/{service_name}/"
        self._access = access

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """Guard a method; the guarded service serves no streams."""
        if not method.startswith(self._prefix):
            return handler
        return None if handler.unary_unary is None else super().wrap_handler(method, handler)  # type: ignore[misc]


class ApiAccessInterceptor(_Guard, AsyncUnaryInterceptor):
    """For an asyncio server."""

    def wrap(self, method: str, answer: Any) -> Any:
        """Answer admitted calls only."""

        async def answer_if_admitted(request: Any, context: Any) -> Any:
            try:
                self._access.admit(authorizations_of(context.invocation_metadata()))
            except ApiAccessError as error:
                await context.abort_with_status(status_of(ACCESS_ERRORS, error, method))
            return await answer(request, context)

        return answer_if_admitted


class BlockingApiAccessInterceptor(_Guard, UnaryInterceptor):
    """For a sync server."""

    def wrap(self, method: str, answer: Any) -> Any:
        """Answer admitted calls only."""

        def answer_if_admitted(request: Any, context: Any) -> Any:
            try:
                self._access.admit(authorizations_of(context.invocation_metadata()))
            except ApiAccessError as error:
                context.abort_with_status(status_of(ACCESS_ERRORS, error, method))
            return answer(request, context)

        return answer_if_admitted
