"""The shards of an index, and one index with all posts, in this process: asked by messages as over gRPC."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bundle.held_bundles import BundleNotHeldError, HeldState
from gateway import feed_types
from gateway.clients import write_search
from gateway.feed_types import FeedCategory, FoundPosts, Search
from gateway.sharded_search import ShardedPostSearch
from moodfeed.packed.v1 import packed_pb2
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.search_errors import CategoryNotFoundError, PostNotFoundError, WrongShardError
from post_index_service.service import PostIndexService
from post_index_service.trends import CountsNotHeldError, PositionNotReachedError

ERRORS: dict[type[Exception], Callable[[str], feed_types.FeedError]] = {
    CategoryNotFoundError: lambda _: feed_types.CategoryNotFoundError(),
    PostNotFoundError: lambda _: feed_types.PostNotFoundError(),
    CountsNotHeldError: feed_types.CountsNotHeldError,
    PostsNotHeldError: feed_types.PostsNotHeldError,
    PositionNotReachedError: feed_types.PositionNotReachedError,
    WrongShardError: feed_types.WrongShardError,
}


class Held:
    """Bundles that a process holds, the current one first."""

    def __init__(self, *indexes: PostIndex) -> None:
        self.indexes = indexes

    @property
    def current(self) -> PostIndex:
        return self.indexes[0]

    @property
    def models(self) -> Sequence[PostIndex]:
        return self.indexes

    @property
    def state(self) -> HeldState:
        ids = [index.bundle_id for index in self.indexes]
        return HeldState(ids[0], ids[1] if len(ids) > 1 else "")

    def named(self, bundle_id: str) -> PostIndex:
        for index in self.indexes:
            if bundle_id in {"", index.bundle_id}:
                return index
        raise BundleNotHeldError(bundle_id, self.current.bundle_id)


class Patient:
    """The context of a call that has time."""

    def time_remaining(self) -> float:
        return 30.0


@dataclass
class Process:
    """A process of the post index service; ``is_down`` ends and begins it, and ``before`` is called first."""

    held: Held
    is_down: bool = False
    before: Callable[[], None] = lambda: None
    asked: list[Any] = field(default_factory=list)

    async def rank_posts(
        self, request: post_index_pb2.RankPostsRequest, *, seconds: float
    ) -> post_index_pb2.RankPostsResponse:
        copy = post_index_pb2.RankPostsRequest.FromString(request.SerializeToString())
        answer = self._call("RankPosts", copy)
        return post_index_pb2.RankPostsResponse.FromString(answer)

    async def reorder_posts(
        self, request: post_index_pb2.ReorderPostsRequest, *, seconds: float
    ) -> post_index_pb2.ReorderPostsResponse:
        copy = post_index_pb2.ReorderPostsRequest.FromString(request.SerializeToString())
        answer: post_index_pb2.ReorderPostsResponse = self._call("ReorderPosts", copy)
        return answer

    async def get_shard(
        self, request: post_index_pb2.GetShardRequest, *, seconds: float
    ) -> post_index_pb2.GetShardResponse:
        answer: post_index_pb2.GetShardResponse = self._call("GetShard", request)
        return answer

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        answer = self._call("ListCategories", post_index_pb2.ListCategoriesRequest(bundle_id=bundle_id))
        return tuple(FeedCategory(item.category_id, item.name, item.post_count) for item in answer.categories)

    def search(self, search: Search[Any]) -> FoundPosts:
        """As one index."""
        found = packed_pb2.PackedSearchPostsResponse.FromString(self._call("SearchPosts", write_search(search)))
        return FoundPosts(
            posts=found.posts,
            has_more=found.has_more,
            ranking=feed_types.FeedRanking["POPULAR"],
            bundle_id=found.bundle_id,
            current_bundle_id=found.current_bundle_id,
            counted_position=found.counted_position,
            posts_position=found.posts_position if found.HasField("posts_position") else None,
            rules_moment_ms=found.rules_moment_ms,
        )

    def _call(self, method: str, request: Any) -> Any:
        self.before()
        if self.is_down:
            raise feed_types.DependencyUnavailableError("post_index_service is unavailable")
        self.asked.append(request)
        try:
            return getattr(PostIndexService(self.held), method)(request, Patient())  # type: ignore[arg-type]
        except BundleNotHeldError as error:
            raise feed_types.BundleNotHeldError(str(error), **error.metadata) from error
        except tuple(ERRORS) as error:
            raise ERRORS[type(error)](str(error)) from error


def found_in(sharded: ShardedPostSearch, search: Search[Any]) -> FoundPosts:
    return asyncio.run(sharded.search_posts(search, seconds=30))


def as_messages(found: FoundPosts) -> list[post_index_pb2.RankedPost]:
    """The posts with all that is shown of them; numbers that only explain them are products of BLAS, and rounded."""
    posts = [post_index_pb2.RankedPost.FromString(post) for post in found.posts]
    for explanation in (post.explanation for post in posts if post.HasField("explanation")):
        for field_of in explanation.DESCRIPTOR.fields:
            if field_of.type == field_of.TYPE_FLOAT and getattr(explanation, field_of.name):
                setattr(explanation, field_of.name, round(getattr(explanation, field_of.name), 4))
        for post in explanation.history:
            post.post_id, post.closeness = 0, round(post.closeness, 4)  # posts that are alike change places
    return posts
