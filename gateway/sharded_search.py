"""A post search over the shards of an index: asks those that hold what is wanted, and merges what they answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.clients import POST_INDEX, read_ranking, write_search
from gateway.feed_types import (
    BundleNotHeldError,
    Degradation,
    DependencyUnavailableError,
    FeedCategory,
    FoundPosts,
    PostsNotHeldError,
    Search,
)
from gateway.shard_calls import SHARE, Answers, Asking, LostError, ShardCalls, Wanted, common_position
from gateway.shard_merge import merged
from gateway.shard_names import SHARD_UNAVAILABLE, shards_of
from gateway.shard_posts import as_shown
from gateway.shard_reordering import (
    PagePost,
    is_explored,
    most_held_by,
    plain_page,
    reads_more,
    reorder_request,
    reordered_page,
)
from gateway.shard_wiring import Shard, ShardWiring, is_lost
from moodfeed.embedding.v1 import embedding_pb2

_ALL_DESCRIBED = 100  # posts from the start of each shard: up to so many, one call is enough


class ShardedPostSearch:
    """The shards of one index, in their order; for one event loop."""

    def __init__(
        self, shards: Sequence[Shard], *, now_ms: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``now_ms`` reads milliseconds since 1970: rules count as at that moment in all shards alike."""
        self.wiring = ShardWiring(shards)
        self._shards = self.wiring.shards
        self._calls = ShardCalls(self.wiring, clock=clock)
        self._now_ms, self._clock = now_ms, clock

    async def search_posts(self, search: Search[embedding_pb2.Embedding], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        end = self._clock() + seconds
        if search.context.bundle_id:
            return await self._search(search, search.context.bundle_id, end=end)
        if not self.wiring.current_bundle_id:
            await self.wiring.learn(seconds=seconds)
        try:
            return await self._search(search, self.wiring.current_bundle_id, end=end)
        except BundleNotHeldError as error:
            return await self._search(search, error.metadata["current_bundle_id"], end=end)

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories: each shard knows those of all."""
        end = self._clock() + seconds
        for shard in self._shards[:-1]:
            try:
                return await shard.list_categories(bundle_id=bundle_id, seconds=SHARE * self._calls.left(end))
            except DependencyUnavailableError as error:
                if not is_lost(error):
                    raise
        return await self._shards[-1].list_categories(bundle_id=bundle_id, seconds=self._calls.left(end))

    async def _search(self, search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float) -> FoundPosts:
        try:
            wanted = await self._wanted(search, bundle_id, end=end)
            return await self._search_in(wanted, search, bundle_id, end=end)
        except BundleNotHeldError as error:
            await self.wiring.learn(seconds=self._calls.left(end))
            lacking = frozenset(map(self.wiring.name, self.wiring.lacking(bundle_id))) - search.left_out
            is_of_named_bundle = bool(search.context.bundle_id) and not search.is_strict
            if not lacking or (is_of_named_bundle and not search.may_degrade):
                raise BundleNotHeldError(str(error), current_bundle_id=self.wiring.current_bundle_id) from error
            if not search.may_degrade:
                message = f"{POST_INDEX}: {' and '.join(sorted(lacking))} does not hold the bundle of the feed"
                raise DependencyUnavailableError(message, service=POST_INDEX) from error
            return await self._search(replace(search, left_out=search.left_out | lacking), bundle_id, end=end)
        except LostError as error:
            left_out = search.left_out | {self.wiring.name(error.number)}
            return await self._search(replace(search, left_out=left_out), bundle_id, end=end)

    async def _search_in(
        self, wanted: Sequence[int], search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float
    ) -> FoundPosts:
        left_out = self._left_out(search)
        request = write_search(search)
        request.bundle_id = bundle_id
        request.offset, request.diversity, request.most_per_owner = 0, 0.0, 0
        is_reordered = search.diversity > 0 or search.most_per_owner > 0
        if is_reordered:  # then nothing is explored
            request.exploration_share = 0.0
        if search.rules_moment_ms is None:
            request.rules_moment_ms = self._now_ms()
        count = search.offset + search.limit + reads_more(search)
        asking = Asking(request, count, search.may_degrade, end, describes_all=count <= _ALL_DESCRIBED)
        answers = await self._calls.ask_as_one([number for number in wanted if number not in left_out], asking, search)
        if not answers:
            names = " and ".join(map(self.wiring.name, wanted))
            verb = "is" if len(wanted) == 1 else "are"
            raise DependencyUnavailableError(f"{POST_INDEX}: {names} {verb} unavailable", service=POST_INDEX)
        request.exploration_share = 0.0
        if is_reordered or is_explored(answers):
            page, has_more = await self._reordered(answers, search, asking)
        else:
            page = plain_page(answers, merged(list(answers.values()), count, offset=search.offset))
            has_more = count < sum(answer.total for answer in answers.values())
        posts = await self._posts(answers, page, asking)
        first = next(iter(answers.values()))
        missing = (self.wiring.name(number) for number in wanted if number not in answers)
        return FoundPosts(
            posts=posts,
            has_more=has_more,
            ranking=read_ranking(first.ranking),
            bundle_id=bundle_id,
            current_bundle_id=self.wiring.current_bundle_id or bundle_id,
            counted_position=first.counted_position,
            posts_position=common_position(answers) if first.HasField("posts_position") else None,
            rules_moment_ms=request.rules_moment_ms,
            degradations=tuple(Degradation(name, SHARD_UNAVAILABLE) for name in missing),
        )

    async def _reordered(
        self, answers: Answers, search: Search[embedding_pb2.Embedding], asking: Asking
    ) -> tuple[Sequence[PagePost], bool]:
        """The page of the merged ranking as one shard reorders it: the one that has most of its posts."""
        while True:
            window = merged(list(answers.values()), asking.count)
            request = reorder_request(answers, window, search, asking.request)
            found = await self._calls.reorder(most_held_by(answers, window), request, asking)
            if not found.needed_count:
                return reordered_page(answers, window, found), found.has_more
            if found.needed_count <= asking.count:
                raise DependencyUnavailableError(f"{POST_INDEX} failed", service=POST_INDEX)
            asking.count = found.needed_count
            answers = await self._calls.ask_again(answers, asking)

    async def _wanted(self, search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float) -> Sequence[int]:
        """The shards that hold what is wanted."""
        categories = search.filters.category_ids if search.category_id is None else (search.category_id,)
        if not categories:
            return range(len(self._shards))
        return await self.wiring.shards_of(categories, bundle_id, seconds=self._calls.left(end))

    def _left_out(self, search: Search[embedding_pb2.Embedding]) -> frozenset[int]:
        """The shards that an earlier page went without: later ones do as well, or places would move."""
        left_out = shards_of(search.left_out)
        if any(shards != len(self._shards) for _, shards in left_out):
            raise PostsNotHeldError("an earlier page went without a shard, and the shards are others now")
        return frozenset(number for number, _ in left_out)

    async def _posts(self, answers: Answers, page: Sequence[PagePost], asking: Asking) -> Sequence[bytes]:
        """The posts of the page as they are shown; those that no answer describes are asked for in a second call."""
        known = {
            number: dict(zip(answer.described_places, answer.posts, strict=True)) for number, answer in answers.items()
        }
        missing: dict[int, Wanted] = {}
        for post in page:
            if post.place is None:
                missing.setdefault(post.shard, Wanted([], [])).post_ids.append(post.post_id)
            elif post.place not in known[post.shard]:
                missing.setdefault(post.shard, Wanted([], [])).places.append(post.place)
        by_id: dict[int, bytes] = {}
        if missing:
            for number, answer in (await self._calls.ask_again(answers, asking, described=missing)).items():
                known[number].update(zip(answer.described_places, answer.posts, strict=True))
                by_id.update(zip(answer.described_post_ids, answer.posts_by_id, strict=True))
        return [
            as_shown(known[post.shard][post.place] if post.place is not None else by_id[post.post_id], post)
            for post in page
            if post.place is not None or post.post_id in by_id
        ]
