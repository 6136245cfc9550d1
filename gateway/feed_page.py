"""Which part of which ranking a request for a feed asks for; a malformed request is refused."""

import os
from dataclasses import dataclass

from gateway import page_token
from gateway.feed_types import (
    DEFAULT_PAGE_SIZE,
    LARGEST_PAGE_SIZE,
    MOST_EXCLUSIONS,
    BlankUsernameError,
    Fallback,
    FeedRequest,
    InvalidPageSizeError,
    InvalidPositionError,
    TooManyExclusionsError,
)
from gateway.filter_checks import check_filters, check_mood, check_reordering
from gateway.served_memory import FEED_DIGITS
from gateway.similar import KIND, asked_for, check_similar_to
from gateway.token_life import TokenLife, checked_token

_KINDS = {Fallback.NONE: "", Fallback.POPULAR: "or popular", Fallback.TRENDING: "or trending"}  # of digests
_PAGE_DIGITS = 8  # of a feed_id, after those of the feed
_BUNDLE_DIGITS = 8  # of a feed_id, after those of the page


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The requested part of a ranking; ``left_out`` holds the stages that the first page went without."""

    request_digest: bytes
    size: int
    offset: int
    bundle_id: str
    is_continued: bool
    left_out: frozenset[str]
    exploration_share: float
    log_position: int | None = None
    counted_position: int | None = None
    posts_position: int | None = None
    rules_moment_ms: int | None = None
    at_least_position: int = 0
    feed: str = ""  # the start of the ids of all its answers
    served_since_ms: int = 0
    has_started_again: bool = False

    def made_answer_id(self) -> str:
        """The start of a feed_id, which names a new answer of this feed."""
        return self.feed + _random_digits(_PAGE_DIGITS)


def feed_id_of(answer_id: str, bundle_id: str) -> str:
    """The feed_id of an answer that was made from a bundle: the short id of the bundle is its end."""
    return answer_id + short_bundle_id(bundle_id)


def bundle_of(feed_id: str) -> str:
    """The short id of the bundle that a feed_id names; whatever else stands there if a caller invented it."""
    return feed_id[FEED_DIGITS + _PAGE_DIGITS :]


def short_bundle_id(bundle_id: str) -> str:
    """The start of a bundle's id, by which metrics and feed_ids name it."""
    return bundle_id[:_BUNDLE_DIGITS]


def requested_page(request: FeedRequest, tokens: TokenLife, *, exploration_share: float) -> FeedPage:
    """The requested page; raises the FeedError of a malformed request."""
    if request.similar_to is not None:
        check_similar_to(request.similar_to)
    elif not request.username.strip():
        raise BlankUsernameError("username must not be empty or blank")
    check_mood(request.mood)
    if request.page_size < 0:
        raise InvalidPageSizeError(f"page_size is {request.page_size}, it must not be negative")
    if request.at_least_position < 0:
        raise InvalidPositionError(f"at_least_position is {request.at_least_position}, it must not be negative")
    excluded = len(request.exclude_post_ids) + len(request.exclude_external_ids)
    if excluded > MOST_EXCLUSIONS:
        raise TooManyExclusionsError(f"{excluded} posts are excluded, the maximum is {MOST_EXCLUSIONS}")
    check_filters(request.filters)
    check_reordering(request.diversity, request.most_per_owner)
    size = min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    explores = exploration_share > 0 and _may_explore(request)
    digest = page_token.digest(
        request.username,
        request.category_id,
        asked_for(request),
        (*request.exclude_post_ids, *request.shown_post_ids),
        exclude_external_ids=request.exclude_external_ids,
        kind=_KINDS[request.fallback] if request.similar_to is None else KIND,
        seen=request.seen.name,
        remember_served=request.remember_served,
        filters=request.filters,
        diversity=request.diversity,
        most_per_owner=(request.most_per_owner, size) if request.most_per_owner else None,
        explored_page_size=size if explores else None,
    )
    if not request.page_token:
        return FeedPage(
            digest,
            size,
            0,
            request.required_bundle_id,
            is_continued=False,
            left_out=frozenset(),
            at_least_position=request.at_least_position,
            feed=_random_digits(FEED_DIGITS),
            exploration_share=exploration_share if explores else 0.0,
        )
    token = checked_token(request.page_token, digest, required_bundle_id=request.required_bundle_id, tokens=tokens)
    return FeedPage(
        digest,
        size,
        token.offset,
        token.bundle_id,
        is_continued=True,
        left_out=token.left_out,
        log_position=token.log_position,
        counted_position=token.counted_position,
        posts_position=token.posts_position,
        rules_moment_ms=token.rules_moment_ms,
        feed=token.feed,
        served_since_ms=token.served_since_ms,
        has_started_again=token.has_started_again,
        exploration_share=exploration_share if explores else 0.0,
    )


def _may_explore(request: FeedRequest) -> bool:
    return request.similar_to is None and not request.diversity and not request.most_per_owner


def _random_digits(count: int) -> str:
    return os.urandom(count // 2).hex()
