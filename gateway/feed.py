"""How a feed is made: check the request, encode its context, search the index, cut a page, remember what it shows."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway import page_token
from gateway.feed_types import (
    DEFAULT_PAGE_SIZE,
    LARGEST_PAGE_SIZE,
    LONGEST_MOOD,
    MOOD,
    MOST_EXCLUSIONS,
    NO_MOOD,
    NO_USER_TOWER,
    USER,
    BlankUsernameError,
    BundleNotHeldError,
    CategoryNotFoundError,
    Clock,
    ContextEncoder,
    CountsNotHeldError,
    Degradation,
    DependencyUnavailableError,
    EmbeddingT,
    Fallback,
    Feed,
    FeedContext,
    FeedError,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidPageSizeError,
    InvalidPageTokenError,
    InvalidPositionError,
    LogWish,
    MoodTooLongError,
    PostSearch,
    PostsNotHeldError,
    Search,
    Seen,
    ServedPosts,
    TooManyExclusionsError,
    UserNotFoundError,
)
from gateway.filter_checks import check_filters, check_reordering
from gateway.restarted_feed import search_again
from gateway.served_memory import FEED_DIGITS, NoServedMemory, ServedMemory, without_seen_and_shown
from gateway.similar import KIND, asked_for, check_similar_to
from rpc import wall_clock

DEFAULT_TOKEN_MINUTES = 15
_KINDS = {Fallback.NONE: "", Fallback.POPULAR: "or popular", Fallback.TRENDING: "or trending"}  # of digests
_PAGE_DIGITS = 8  # of a feed_id, after those of the feed
NO_MEMORY = NoServedMemory()
_ENCODER_SHARE = 0.6  # of the time left; the rest must suffice for a feed without the encoder


@dataclass(frozen=True, slots=True)
class TokenLife:
    """How long a page token is valid, and the clock that says so; it reads milliseconds since 1970."""

    milliseconds: int = DEFAULT_TOKEN_MINUTES * 60_000
    now_ms: Callable[[], int] = wall_clock.now_ms


DEFAULT_TOKENS = TokenLife()


async def get_feed(
    request: FeedRequest,
    *,
    encoder: ContextEncoder[EmbeddingT],
    index: PostSearch[EmbeddingT],
    clock: Clock,
    memory: ServedMemory = NO_MEMORY,
    tokens: TokenLife = DEFAULT_TOKENS,
    exploration_share: float = 0.0,
) -> Feed:
    """Answer one request from one bundle, as the case table of the README says; raises FeedError.

    The checks run in this order: malformed request, category, user. ``degradations`` lists what was left out.
    ``exploration_share`` is the share of pages, 0..1, whose last post is a new one that few people have been shown.
    """
    page = _check(request, tokens, exploration_share=exploration_share)
    made = await _make(request, page, encoder=encoder, index=index, clock=clock)
    feed_id = page.feed + _random_digits(_PAGE_DIGITS)
    while request.remember_served and made.found.posts:
        remembered = await memory.remember_served(
            request.username,
            made.found.posts,
            feed_id=feed_id,
            read_up_to=made.served.read_up_to if made.served else 0,
            seconds=clock.seconds_left(),
        )
        if not remembered.is_taken:
            break
        # Another answer of this moment shows one of the posts.
        page = replace(page, at_least_position=remembered.position)
        made = await _make(request, page, encoder=encoder, index=index, clock=clock)
    return Feed(
        made.found.posts,
        _token_after(page, made, tokens) if made.found.has_more and _can_go_on(request) else "",
        made.found.bundle_id,
        made.found.ranking,
        made.degradations,
        feed_id=feed_id,
        position=_position_of(made.found, made.position),
        exhausted=made.is_exhausted,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """The requested part of a ranking; ``left_out`` holds the stages that the first page went without."""

    request_digest: bytes
    size: int
    offset: int
    bundle_id: str
    is_continued: bool
    left_out: frozenset[str]
    log_position: int | None = None
    counted_position: int | None = None
    posts_position: int | None = None
    rules_moment_ms: int | None = None
    at_least_position: int = 0
    feed: str = ""  # the start of the ids of all its answers
    served_since_ms: int = 0
    has_started_again: bool = False
    exploration_share: float = 0.0


@dataclass(frozen=True, slots=True)
class _Made:
    """The posts of a page and what they were made of; the next page starts at ``next_offset``."""

    found: FoundPosts
    degradations: tuple[Degradation, ...]
    position: int | None
    served: ServedPosts | None
    served_since_ms: int
    next_offset: int
    is_exhausted: bool
    has_started_again: bool


def _check(request: FeedRequest, tokens: TokenLife, *, exploration_share: float) -> _Page:
    """The requested page; raises the FeedError of a malformed request."""
    if request.similar_to is not None:
        check_similar_to(request.similar_to)
    elif not request.username.strip():
        raise BlankUsernameError("username must not be empty or blank")
    if len(request.mood) > LONGEST_MOOD:
        raise MoodTooLongError(f"mood has {len(request.mood)} code points, the maximum is {LONGEST_MOOD}")
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
        return _Page(
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
    return _Page(
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


async def _make(
    request: FeedRequest,
    page: _Page,
    *,
    encoder: ContextEncoder[EmbeddingT],
    index: PostSearch[EmbeddingT],
    clock: Clock,
) -> _Made:
    """Find the posts of the page, in the bundle that both services hold."""
    context, degradations = await _encode(request, page, encoder=encoder, clock=clock)
    try:
        return await _search(request, page, context, degradations=degradations, index=index, clock=clock)
    except BundleNotHeldError as error:
        if page.bundle_id:
            raise _error_of_page(page, error) from error
        # The two services are one bundle apart: both hold the current one of the index.
        page = replace(page, bundle_id=error.metadata["current_bundle_id"])
        context, degradations = await _encode(request, page, encoder=encoder, clock=clock)
        return await _search(request, page, context, degradations=degradations, index=index, clock=clock)


async def _encode(
    request: FeedRequest, page: _Page, *, encoder: ContextEncoder[EmbeddingT], clock: Clock
) -> tuple[FeedContext[EmbeddingT], tuple[Degradation, ...]]:
    """Embed the context, or leave out what cannot be embedded; later pages leave out what the first one did."""
    may_degrade = not (request.strict or page.is_continued or request.at_least_position)
    may_lack_user = may_degrade and not request.remember_served
    if page.left_out and request.strict:
        raise DependencyUnavailableError(
            "page_token continues a degraded feed, and strict is set: start again at the first page"
        )
    if USER in page.left_out:
        return FeedContext(bundle_id=page.bundle_id), (NO_USER_TOWER,)
    if not request.username.strip():
        return FeedContext(bundle_id=page.bundle_id), ()
    mood = "" if MOOD in page.left_out else request.trimmed_mood
    share = _ENCODER_SHARE if may_lack_user else 1.0
    try:
        context = await encoder.encode_context(
            request.username,
            mood,
            bundle_id=page.bundle_id,
            seconds=share * clock.seconds_left(),
            log=_wish(request, page),
        )
    except BundleNotHeldError as error:
        raise _error_of_page(page, error) from error
    except DependencyUnavailableError:
        if not may_lack_user or not clock.seconds_left():
            raise
        return FeedContext(bundle_id=page.bundle_id), (NO_USER_TOWER,)
    if context.mood_unavailable and not may_degrade:
        raise DependencyUnavailableError("the mood encoder is unavailable", reason=NO_MOOD.reason)
    return context, (NO_MOOD,) if context.mood_unavailable or MOOD in page.left_out else ()


def _wish(request: FeedRequest, page: _Page) -> LogWish:
    """Later pages see the user as of the first one."""
    return LogWish(
        as_of=page.log_position,
        at_least=max(page.log_position or 0, page.at_least_position),
        served_since_ms=page.served_since_ms,
        feed=page.feed if request.remember_served else "",
    )


async def _search(
    request: FeedRequest,
    page: _Page,
    context: FeedContext[EmbeddingT],
    *,
    degradations: tuple[Degradation, ...],
    index: PostSearch[EmbeddingT],
    clock: Clock,
) -> _Made:
    """Find the posts of the page; an unknown user needs both a mood and a category, or a fallback."""
    if request.shown_post_ids:
        left_out = [*context.not_interested_post_ids, *request.shown_post_ids]
        context = replace(context, not_interested_post_ids=left_out)
    is_enough = (request.trimmed_mood and request.category_id is not None) or request.similar_to is not None
    if context.user is None and NO_USER_TOWER not in degradations and not is_enough:
        if request.fallback is Fallback.NONE:
            await _check_category(request.category_id, bundle_id=context.bundle_id, index=index, clock=clock)
            raise UserNotFoundError
        context = replace(context, mood=None)
    search = Search(
        context,
        request.category_id,
        request.exclude_post_ids,
        page.offset,
        page.size,
        exclude_external_ids=request.exclude_external_ids,
        trending=request.fallback is Fallback.TRENDING and context.user is None and context.mood is None,
        counted_position=page.counted_position,
        at_least_position=request.at_least_position,
        posts_position=page.posts_position,
        rules_moment_ms=page.rules_moment_ms,
        filters=request.filters.of_user(request.username),
        diversity=request.diversity,
        most_per_owner=request.most_per_owner,
        explain=request.explain,
        similar_to=request.similar_to,
        exploration_share=page.exploration_share,
        exploration_seed=int(page.feed, 16) if page.exploration_share else 0,
    )
    try:
        found, next_offset, is_exhausted, has_started_again = await _search_unshown(
            request, page, search, index=index, clock=clock
        )
    except CountsNotHeldError as error:
        raise counts_are_gone() from error
    except PostsNotHeldError as error:
        raise posts_are_gone() from error
    return _Made(
        found,
        degradations,
        position=page.log_position if page.is_continued else context.position,
        served=context.served,
        served_since_ms=page.served_since_ms if page.is_continued else context.served_since_ms,
        next_offset=next_offset,
        is_exhausted=is_exhausted,
        has_started_again=has_started_again,
    )


def counts_are_gone() -> InvalidPageTokenError:
    """The error of a page whose counts no index holds any more."""
    return InvalidPageTokenError("the counts of page_token are no longer held: start again at the first page")


def posts_are_gone() -> InvalidPageTokenError:
    """The error of a page as of whose position no index knows the posts any more."""
    return InvalidPageTokenError("the posts of page_token are no longer held: start again at the first page")


def _position_of(found: FoundPosts, position: int | None) -> int:
    """Up to where in the log what people did is taken into account, by the user and by the counts."""
    if found.ranking is not FeedRanking.TRENDING:
        return position or 0
    return found.counted_position if position is None else min(position, found.counted_position)


async def _search_unshown(
    request: FeedRequest,
    page: _Page,
    search: Search[EmbeddingT],
    *,
    index: PostSearch[EmbeddingT],
    clock: Clock,
) -> tuple[FoundPosts, int, bool, bool]:
    """The posts of the page without what may not be shown, and the next offset.

    Then whether the feed is exhausted, and whether it has started again.
    """
    served = search.context.served
    if not page.has_started_again:
        shown = served.post_ids if served else ()
        context = without_seen_and_shown(
            search.context, seen=request.seen, shown_post_ids=shown, keeps_seen=request.explain
        )
        found = await index.search_posts(replace(search, context=context), seconds=clock.seconds_left())
        is_left = found.posts or found.has_more or page.is_continued
        if is_left or (request.seen is Seen.LAST and not request.remember_served):
            return found, page.offset + page.size, False, False
        if not shown:
            return found, 0, True, False
    search = replace(search, exploration_share=0.0)
    found, next_start = await search_again(search, seen=request.seen, start=page.offset, index=index, clock=clock)
    return found, next_start, True, True


def _can_go_on(request: FeedRequest) -> bool:
    """Whether the request for the next page can name all posts that are left out."""
    named = len(request.exclude_post_ids) + len(request.exclude_external_ids) + len(request.shown_post_ids)
    return named <= MOST_EXCLUSIONS


def _token_after(page: _Page, made: _Made, tokens: TokenLife) -> str:
    next_page = page_token.PageToken(
        bundle_id=made.found.bundle_id,
        request_digest=page.request_digest,
        offset=made.next_offset,
        left_out=frozenset(degradation.stage for degradation in made.degradations),
        log_position=made.position,
        issued_at_ms=tokens.now_ms(),
        counted_position=made.found.counted_position if made.found.ranking is FeedRanking.TRENDING else None,
        posts_position=made.found.posts_position,
        rules_moment_ms=made.found.rules_moment_ms,
        feed=page.feed,
        served_since_ms=made.served_since_ms,
        has_started_again=made.has_started_again,
    )
    return page_token.write(next_page)


def _random_digits(count: int) -> str:
    return os.urandom(count // 2).hex()


def _error_of_page(page: _Page, error: BundleNotHeldError) -> FeedError:
    if page.is_continued:
        return InvalidPageTokenError("the bundle of page_token is no longer held: start again at the first page")
    return error


async def _check_category(
    category_id: int | None, *, bundle_id: str, index: PostSearch[EmbeddingT], clock: Clock
) -> None:
    if category_id is None:
        return
    categories = await index.list_categories(bundle_id=bundle_id, seconds=clock.seconds_left())
    if all(category.category_id != category_id for category in categories):
        raise CategoryNotFoundError
