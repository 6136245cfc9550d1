"""How a feed is made: check the request, encode its context, search the index, cut a page, remember what it shows."""

from dataclasses import dataclass, replace

from gateway import page_token
from gateway.feed_facts import position_of, understood
from gateway.feed_page import FeedPage, feed_id_of, requested_page
from gateway.feed_types import (
    COUNTED_RANKINGS,
    MOOD,
    MOST_EXCLUSIONS,
    NO_MOOD,
    NO_USER_TOWER,
    USER,
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
    FeedRequest,
    FoundPosts,
    LogWish,
    PostSearch,
    PostsNotHeldError,
    Search,
    Seen,
    ServedPosts,
    UserNotFoundError,
)
from gateway.missing_engine import with_missing_engine
from gateway.restarted_feed import search_again
from gateway.served_memory import NoServedMemory, ServedMemory, without_seen_and_shown
from gateway.token_life import DEFAULT_TOKENS, TokenLife, bundle_is_gone, counts_are_gone, posts_are_gone
from rpc.tracing import stage

NO_MEMORY = NoServedMemory()
_ENCODER_SHARE = 0.6  # of the time left; the rest must suffice for a feed without the encoder


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
    page = requested_page(request, tokens, exploration_share=exploration_share)
    made = await _make(request, page, encoder=encoder, index=index, clock=clock)
    answer_id = page.made_answer_id()
    while request.remember_served and made.found.posts:
        with stage("claim served"):
            remembered = await memory.remember_served(
                request.username,
                made.found.posts,
                feed_id=feed_id_of(answer_id, made.found.bundle_id),
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
        feed_id=feed_id_of(answer_id, made.found.bundle_id),
        position=position_of(made.found, made.position),
        exhausted=made.is_exhausted,
        mood_understood=made.mood_understood,
        is_approximate=made.found.is_approximate,
    )


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
    mood_understood: bool | None


async def _make(
    request: FeedRequest,
    page: FeedPage,
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
    request: FeedRequest, page: FeedPage, *, encoder: ContextEncoder[EmbeddingT], clock: Clock
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
    try:
        with stage("encode context") as span:
            context = await encoder.encode_context(
                request.username,
                mood,
                bundle_id=page.bundle_id,
                seconds=(_ENCODER_SHARE if may_lack_user else 1.0) * clock.seconds_left(),
                log=_wish(request, page),
            )
            span.note(bundle=context.bundle_id)
    except BundleNotHeldError as error:
        raise _error_of_page(page, error) from error
    except DependencyUnavailableError:
        if not may_lack_user or not clock.seconds_left():
            raise
        return FeedContext(bundle_id=page.bundle_id), (NO_USER_TOWER,)
    if context.mood_unavailable and not may_degrade:
        raise DependencyUnavailableError("the mood encoder is unavailable", reason=NO_MOOD.reason)
    return context, (NO_MOOD,) if context.mood_unavailable or MOOD in page.left_out else ()


def _wish(request: FeedRequest, page: FeedPage) -> LogWish:
    """Later pages see the user as of the first one."""
    return LogWish(
        as_of=page.log_position,
        at_least=max(page.log_position or 0, page.at_least_position),
        served_since_ms=page.served_since_ms,
        feed=page.feed if request.remember_served else "",
    )


async def _search(
    request: FeedRequest,
    page: FeedPage,
    context: FeedContext[EmbeddingT],
    *,
    degradations: tuple[Degradation, ...],
    index: PostSearch[EmbeddingT],
    clock: Clock,
) -> _Made:
    """Find the posts of the page; an unknown user needs both a mood and a category, or a fallback."""
    mood_understood = understood(context)
    if request.shown_post_ids:
        context = replace(context, not_interested_post_ids=[*context.not_interested_post_ids, *request.shown_post_ids])
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
        left_out=page.left_out,
        may_degrade=not (request.strict or page.is_continued),
        is_strict=request.strict,
    )
    try:
        with stage("search posts") as span:
            found, next_offset, is_exhausted, has_started_again = await _search_unshown(
                request, page, search, index=index, clock=clock
            )
            span.note(bundle=found.bundle_id, ranking=found.ranking.value)
    except CountsNotHeldError as error:
        raise counts_are_gone() from error
    except PostsNotHeldError as error:
        raise posts_are_gone() from error
    return _Made(
        found,
        with_missing_engine(degradations + found.degradations, found, is_strict=request.strict),
        position=page.log_position if page.is_continued else context.position,
        served=context.served,
        served_since_ms=page.served_since_ms if page.is_continued else context.served_since_ms,
        next_offset=next_offset,
        is_exhausted=is_exhausted,
        has_started_again=has_started_again,
        mood_understood=mood_understood,
    )


async def _search_unshown(
    request: FeedRequest,
    page: FeedPage,
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


def _token_after(page: FeedPage, made: _Made, tokens: TokenLife) -> str:
    next_page = page_token.PageToken(
        bundle_id=made.found.bundle_id,
        request_digest=page.request_digest,
        offset=made.next_offset,
        left_out=frozenset(degradation.stage for degradation in made.degradations),
        log_position=made.position,
        issued_at_ms=tokens.now_ms(),
        counted_position=made.found.counted_position if made.found.ranking in COUNTED_RANKINGS else None,
        posts_position=made.found.posts_position,
        rules_moment_ms=made.found.rules_moment_ms,
        feed=page.feed,
        served_since_ms=made.served_since_ms,
        has_started_again=made.has_started_again,
    )
    return page_token.write(next_page)


def _error_of_page(page: FeedPage, error: BundleNotHeldError) -> FeedError:
    return bundle_is_gone() if page.is_continued else error


async def _check_category(
    category_id: int | None, *, bundle_id: str, index: PostSearch[EmbeddingT], clock: Clock
) -> None:
    if category_id is None:
        return
    with stage("list categories"):
        categories = await index.list_categories(bundle_id=bundle_id, seconds=clock.seconds_left())
    if all(category.category_id != category_id for category in categories):
        raise CategoryNotFoundError
