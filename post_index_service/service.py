"""The gRPC edge of the post index service: reads requests, asks the index, writes responses."""

import grpc

from bundle.held_bundles import BundleNotHeldError, HeldBundles
from bundle.manifest import BundleError
from bundle.stand_in_titles import find_stand_in_titles
from compute.embedding_messages import MalformedEmbeddingError, write_space
from compute.log_tail import LogTail
from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.packed.v1 import packed_pb2
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from post_index_service.catalog_messages import read_post, read_rule, write_kept, write_rule, write_upserted
from post_index_service.division import name_of_shard
from post_index_service.index import PostIndex
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.packed_posts import PackedPosts
from post_index_service.post_store import NoStoreError, PostStore, RuleNotFoundError, Upserted
from post_index_service.query_messages import read_query
from post_index_service.reorder_messages import read_merged_ranking, read_page, write_reordered
from post_index_service.search_errors import (
    CategoryNotFoundError,
    EmbeddingSpaceMismatchError,
    EngineUnavailableError,
    InvalidEmbeddingError,
    InvalidSearchError,
    PageTooDeepError,
    PostNotFoundError,
    WrongShardError,
)
from post_index_service.trends import CountsNotHeldError, PositionNotReachedError
from rpc import wall_clock
from rpc.deadline import remaining_seconds
from rpc.errors import ErrorRow, ErrorTable
from store.errors import InvalidPostError, StoreUnavailableError
from store.posts import NewPost

SERVICE_NAME = post_index_pb2.DESCRIPTOR.services_by_name["PostIndexService"].full_name

LARGER_REQUESTS = {
    f"/{SERVICE_NAME}/SearchPosts": 4 * 1024 * 1024,
    f"/{SERVICE_NAME}/RankPosts": 4 * 1024 * 1024 + 16 * 1024,  # a search, and places of posts
    f"/{SERVICE_NAME}/ReorderPosts": 4 * 1024 * 1024,  # the start of a ranking, 12 bytes a post
    f"/{SERVICE_NAME}/UpsertPosts": 5 * 1024 * 1024,
}
"""As many posts to leave out as the user tower tells of one person, and what a caller excludes.

And 4 MiB of posts, as a gateway takes them.
"""

SLOW_METHODS = frozenset(
    f"/{SERVICE_NAME}/{method}"
    for method in ("UpsertPosts", "DeletePosts", "GetPosts", "SetRule", "DeleteRule", "ListRules")
)
"""Those that wait for the store."""

_MOST_TITLES = 100
_LONGEST_WAIT_SECONDS = 1.0  # for a position of the log
_SHARE_TO_WAIT = 0.8  # of the caller's time: then the answer says what is missing before the caller gives up

ERRORS: ErrorTable = {
    CategoryNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND"),
    EmbeddingSpaceMismatchError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "EMBEDDING_SPACE_MISMATCH"),
    InvalidEmbeddingError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "EMBEDDING_INVALID"),
    MalformedEmbeddingError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "EMBEDDING_INVALID"),
    PageTooDeepError: ErrorRow(grpc.StatusCode.OUT_OF_RANGE, "PAGE_TOO_DEEP"),
    EngineUnavailableError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "MILVUS_UNAVAILABLE"),
    PostNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND"),
    InvalidSearchError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "SEARCH_INVALID"),
    CountsNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "COUNTS_NOT_HELD"),
    PositionNotReachedError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "POSITION_NOT_REACHED"),
    PostsNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "POSTS_NOT_HELD"),
    InvalidPostError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_INVALID"),
    RuleNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "RULE_NOT_FOUND"),
    WrongShardError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_SHARD"),
    NoStoreError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "NO_STORE"),
    StoreUnavailableError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "STORE_UNAVAILABLE"),
    BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    BundleError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_REFUSED"),
}


class PostIndexService(post_index_pb2_grpc.PostIndexServiceServicer):
    """Answers every request from the index of exactly one bundle."""

    def __init__(self, indexes: HeldBundles[PostIndex], log: LogTail | None = None) -> None:
        """``log`` is the one that the indexes follow; None without a store."""
        self._indexes = indexes
        self._posts = PostStore(lambda: indexes.models, log)
        self._packed = PackedPosts()

    def SearchPosts(self, request: post_index_pb2.SearchPostsRequest, context: grpc.ServicerContext) -> bytes:
        """Rank servable posts; returns a serialised SearchPostsResponse."""
        index = self._indexes.named(request.bundle_id or self._bundle_of_embeddings(request))
        if not index.shard.is_whole:
            raise WrongShardError(
                f"this process holds {index.shard.name} alone: name all shards in MOODFEED_GATEWAY_POST_INDEX_ADDRESS"
            )
        result = index.search(read_query(request, seconds=_seconds_to_wait(context)))
        packed = packed_pb2.PackedSearchPostsResponse(
            posts=self._packed.of(index, result),
            has_more=result.has_more,
            ranking=f"SEARCH_RANKING_{result.ranking.name}",
            bundle_id=index.bundle_id,
            current_bundle_id=self._indexes.current.bundle_id,
            counted_position=result.counted_position,
            posts_position=result.posts_position,
            rules_moment_ms=result.rules_moment_ms,
            approximate=result.is_approximate or None,
            unavailable_engine=result.unavailable_engine,
        )
        return packed.SerializeToString()

    def RankPosts(self, request: post_index_pb2.RankPostsRequest, context: grpc.ServicerContext) -> bytes:
        """Rank the posts of this shard; returns a serialised RankPostsResponse."""
        search = request.search
        index = self._indexes.named(search.bundle_id or self._bundle_of_embeddings(search))
        if (request.shard, request.shards) != (index.shard.number, index.shard.division.shards):
            asked = name_of_shard(request.shard, request.shards)
            raise WrongShardError(
                f"this process is {index.shard.name}, and not {asked}: correct MOODFEED_POST_INDEX_SHARD and "
                "MOODFEED_POST_INDEX_SHARDS of it, or MOODFEED_GATEWAY_POST_INDEX_ADDRESS"
            )
        ranking = index.rank(
            read_query(search, seconds=_seconds_to_wait(context)),
            count=request.count,
            described=None if request.describes_all else request.described_places,
            named=request.described_post_ids,
        )
        result, named = ranking.described, ranking.named
        answer = post_index_pb2.RankPostsResponse(
            post_ids=ranking.post_ids.tolist(),
            numbers=ranking.numbers.tolist(),
            kinds=ranking.kinds.tobytes(),
            trends=ranking.trends.tolist(),
            popularity=ranking.popularity.tolist(),
            total=ranking.total,
            unseen_total=ranking.unseen_total,
            reach=ranking.reach,
            described_places=ranking.places.tolist(),
            posts=self._packed.of(index, result),
            ranking=f"SEARCH_RANKING_{result.ranking.name}",
            bundle_id=index.bundle_id,
            current_bundle_id=self._indexes.current.bundle_id,
            counted_position=result.counted_position,
            posts_position=result.posts_position,
            rules_moment_ms=result.rules_moment_ms,
            posts_changed_position=ranking.posts_changed,
            explores=ranking.explores,
            candidate_ids=ranking.candidate_ids.tolist(),
            candidate_numbers=ranking.candidates.ranked.numbers.tolist(),
            candidate_positives=ranking.candidates.positives.tolist(),
            candidate_impressions=ranking.candidates.impressions.tolist(),
            described_post_ids=ranking.named_ids,
            posts_by_id=self._packed.of(index, named) if named else (),
        )
        return answer.SerializeToString()

    def ReorderPosts(
        self, request: post_index_pb2.ReorderPostsRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.ReorderPostsResponse:
        """Reorder the merged ranking of all shards."""
        index = self._indexes.named(request.bundle_id)
        query = read_page(request, seconds=_seconds_to_wait(context))
        return write_reordered(index.reordering.page(read_merged_ranking(request), query))

    def GetShard(
        self, request: post_index_pb2.GetShardRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.GetShardResponse:
        """Say which shard this process is."""
        index = self._indexes.named(request.bundle_id)
        division, state = index.shard.division, self._indexes.state
        return post_index_pb2.GetShardResponse(
            shard=index.shard.number,
            shards=division.shards,
            first_category_ids=division.first_category_ids,
            bundle_id=index.bundle_id,
            current_bundle_id=state.current_bundle_id,
            previous_bundle_id=state.previous_bundle_id,
        )

    def _bundle_of_embeddings(self, request: post_index_pb2.SearchPostsRequest) -> str:
        """The previous bundle if an embedding names it, else "": the current index refuses foreign embeddings."""
        state = self._indexes.state
        for embedding in (request.user_embedding, request.mood_embedding):
            if embedding.space.bundle_id == state.previous_bundle_id:
                return state.previous_bundle_id
        return ""

    def ListCategories(
        self, request: post_index_pb2.ListCategoriesRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.ListCategoriesResponse:
        """List the categories that have at least one servable post."""
        index = self._indexes.named(request.bundle_id)
        return post_index_pb2.ListCategoriesResponse(
            categories=[
                post_index_pb2.Category(
                    category_id=item.category.category_id, name=item.category.name, post_count=item.post_count
                )
                for item in index.categories()
            ],
            bundle_id=index.bundle_id,
        )

    def ListStandInTitles(
        self, request: post_index_pb2.ListStandInTitlesRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.ListStandInTitlesResponse:
        """Return what may stand for missing titles."""
        asked = request.post_ids[:_MOST_TITLES]
        return post_index_pb2.ListStandInTitlesResponse(
            titles=find_stand_in_titles(self._indexes.current_directory, asked)
        )

    def GetEmbeddingSpace(
        self, request: post_index_pb2.GetEmbeddingSpaceRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.GetEmbeddingSpaceResponse:
        """Name the embedding spaces that the current index searches."""
        index = self._indexes.current
        return post_index_pb2.GetEmbeddingSpaceResponse(
            tower_space=write_space(index.tower_space), text_space=write_space(index.text_space)
        )

    def UpsertPosts(
        self, request: post_index_pb2.UpsertPostsRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.UpsertPostsResponse:
        """Add and replace posts; one that cannot be stored refuses none of the others."""
        read = [_post_or_complaint(message) for message in request.posts]
        posts = [post for post in read if isinstance(post, NewPost)]
        stored = self._posts.upsert(posts)
        results = iter(stored.results)
        return write_upserted(
            Upserted(stored.position, tuple(post if isinstance(post, str) else next(results) for post in read))
        )

    def DeletePosts(
        self, request: post_index_pb2.DeletePostsRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.DeletePostsResponse:
        """Delete posts."""
        return post_index_pb2.DeletePostsResponse(position=self._posts.delete(request.post_ids, request.external_ids))

    def GetPosts(
        self, request: post_index_pb2.GetPostsRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.GetPostsResponse:
        """Return posts as they are now."""
        kept = self._posts.get(request.post_ids, request.external_ids)
        return post_index_pb2.GetPostsResponse(posts=map(write_kept, kept))

    def SetRule(
        self, request: post_index_pb2.SetRuleRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.SetRuleResponse:
        """Keep a rule."""
        return post_index_pb2.SetRuleResponse(position=self._posts.set_rule(read_rule(request.rule)))

    def DeleteRule(
        self, request: post_index_pb2.DeleteRuleRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.DeleteRuleResponse:
        """Delete a rule."""
        return post_index_pb2.DeleteRuleResponse(position=self._posts.delete_rule(request.name))

    def ListRules(
        self, request: post_index_pb2.ListRulesRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.ListRulesResponse:
        """List all rules."""
        return post_index_pb2.ListRulesResponse(rules=map(write_rule, self._posts.rules()))


def _post_or_complaint(message: catalog_pb2.Post) -> NewPost | str:
    try:
        return read_post(message, now_ms=wall_clock.now_ms)
    except InvalidPostError as error:
        return str(error)


def _seconds_to_wait(context: grpc.ServicerContext) -> float:
    return _SHARE_TO_WAIT * remaining_seconds(_LONGEST_WAIT_SECONDS, context.time_remaining())
