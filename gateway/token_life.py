"""Which page tokens are good: those of the same request, of the bundle that is asked for, and not too old."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway import page_token
from gateway.feed_types import InvalidPageTokenError
from rpc import wall_clock

DEFAULT_TOKEN_MINUTES = 15


@dataclass(frozen=True, slots=True)
class TokenLife:
    """How long a page token is valid, and the clock that says so; it reads milliseconds since 1970."""

    milliseconds: int = DEFAULT_TOKEN_MINUTES * 60_000
    now_ms: Callable[[], int] = wall_clock.now_ms


DEFAULT_TOKENS = TokenLife()


def checked_token(text: str, digest: bytes, *, required_bundle_id: str, tokens: TokenLife) -> page_token.PageToken:
    """The page token of a request with this digest; InvalidPageTokenError if it is another's, or too old."""
    try:
        token = page_token.read(text)
    except ValueError as error:
        raise InvalidPageTokenError("page_token was not issued by this service, or was altered") from error
    if token.request_digest != digest:
        raise InvalidPageTokenError(
            "page_token belongs to another request: between pages only page_size (not with most_per_owner or "
            "exploration), required_bundle_id, strict and explain may change"
        )
    if required_bundle_id not in {"", token.bundle_id}:
        raise InvalidPageTokenError("page_token belongs to another bundle than required_bundle_id")
    if tokens.now_ms() - token.issued_at_ms > tokens.milliseconds:
        raise InvalidPageTokenError(
            f"page_token is older than {tokens.milliseconds / 60_000:g} minutes: start again at the first page"
        )
    return token


def counts_are_gone() -> InvalidPageTokenError:
    """The error of a page whose counts no index holds any more."""
    return InvalidPageTokenError("the counts of page_token are no longer held: start again at the first page")


def posts_are_gone() -> InvalidPageTokenError:
    """The error of a page as of whose position no index knows the posts any more."""
    return InvalidPageTokenError("the posts of page_token are no longer held: start again at the first page")


def bundle_is_gone() -> InvalidPageTokenError:
    """The error of a page whose bundle no process holds any more."""
    return InvalidPageTokenError("the bundle of page_token is no longer held: start again at the first page")
