"""A feed that starts again: nothing is left that was not shown, so the posts come again that were shown longest ago.

The index ranks all posts that are not left out. So a page leaves out all shown posts but a part of those shown longest
ago, which is chosen such that it fills the page. The parts of two pages have no post in common.
"""

from dataclasses import replace

from gateway.feed_types import Clock, EmbeddingT, FoundPosts, PostSearch, Search, Seen
from gateway.served_memory import without_seen_and_shown


async def search_again(
    search: Search[EmbeddingT],
    *,
    seen: Seen,
    start: int,
    index: PostSearch[EmbeddingT],
    clock: Clock,
) -> tuple[FoundPosts, int]:
    """One page of the shown posts, those shown longest ago first, without the first ``start``; gives the next start.

    ``search`` is for a page of that many posts, in a context that tells shown posts apart.
    """
    shown = search.context.served.post_ids if search.context.served else ()
    if seen is Seen.EXCLUDED:
        excluded = set(search.context.seen_post_ids)
        shown = [post_id for post_id in shown if post_id not in excluded]

    async def search_part(first: int, end: int) -> FoundPosts:
        context = without_seen_and_shown(
            search.context, seen=seen, shown_post_ids=[*shown[:first], *shown[end:]], keeps_seen=search.explain
        )
        return await index.search_posts(replace(search, context=context, offset=0), seconds=clock.seconds_left())

    fits, end = start, min(start + search.limit, len(shown))
    found = await search_part(start, end)
    while end < len(shown) and not found.has_more and len(found.posts) < search.limit:  # some are not of this feed
        fits, end = end, min(2 * end - start, len(shown))
        found = await search_part(start, end)
    if found.has_more:  # the longest part that fits a page
        while end - fits > 1:
            middle = (fits + end) // 2
            if (await search_part(start, middle)).has_more:
                end = middle
            else:
                fits = middle
        end = fits
        found = await search_part(start, end)
    rest = await search_part(end, len(shown)) if end < len(shown) else None
    return replace(found, has_more=rest is not None and (rest.has_more or bool(rest.posts))), end
