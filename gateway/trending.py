"""How the trends are listed: the same for everybody, page by page as of the position of the first page."""

from gateway import page_token
from gateway.feed_types import (
    DEFAULT_PAGE_SIZE,
    LARGEST_PAGE_SIZE,
    BundleNotHeldError,
    Clock,
    CountsNotHeldError,
    EmbeddingT,
    Feed,
    FeedContext,
    InvalidPageSizeError,
    PostSearch,
    PostsNotHeldError,
    Search,
    TrendingRequest,
)
from gateway.token_life import DEFAULT_TOKENS, TokenLife, bundle_is_gone, checked_token, counts_are_gone, posts_are_gone
from rpc.tracing import stage

_KIND = "trends"  # of digests


async def list_trending(
    request: TrendingRequest, *, index: PostSearch[EmbeddingT], clock: Clock, tokens: TokenLife = DEFAULT_TOKENS
) -> Feed:
    """One page of the trends, without a feed id; raises FeedError."""
    if request.page_size < 0:
        raise InvalidPageSizeError(f"page_size is {request.page_size}, it must not be negative")
    size = min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    digest = page_token.digest("", request.category_id, "", (), kind=_KIND)
    token = (
        checked_token(request.page_token, digest, required_bundle_id=request.required_bundle_id, tokens=tokens)
        if request.page_token
        else page_token.PageToken(request.required_bundle_id, digest, 0)
    )
    context: FeedContext[EmbeddingT] = FeedContext(bundle_id=token.bundle_id)
    search = Search(
        context,
        request.category_id,
        (),
        token.offset,
        size,
        trending=True,
        counted_position=token.counted_position,
        posts_position=token.posts_position,
        rules_moment_ms=token.rules_moment_ms if request.page_token else None,
    )
    try:
        with stage("search posts") as span:
            found = await index.search_posts(search, seconds=clock.seconds_left())
            span.note(bundle=found.bundle_id, ranking=found.ranking.value)
    except CountsNotHeldError as error:
        raise counts_are_gone() from error
    except PostsNotHeldError as error:
        raise posts_are_gone() from error
    except BundleNotHeldError as error:
        if request.page_token:
            raise bundle_is_gone() from error
        raise
    next_page = page_token.PageToken(
        found.bundle_id,
        digest,
        token.offset + size,
        issued_at_ms=tokens.now_ms(),
        counted_position=found.counted_position,
        posts_position=found.posts_position,
        rules_moment_ms=found.rules_moment_ms,
    )
    return Feed(
        found.posts,
        page_token.write(next_page) if found.has_more else "",
        found.bundle_id,
        found.ranking,
        position=found.counted_position,
    )
