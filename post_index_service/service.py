"""The gRPC edge of the post index service: messages in, index, messages out."""

import grpc

from bundle.held_bundles import BundleNotHeldError, HeldBundles
from bundle.manifest import BundleError
from compute.embedding_messages import MalformedEmbeddingError, read_embedding, write_space
from moodfeed.packed.v1 import packed_pb2
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from post_index_service.index import (
    CategoryNotFoundError,
    EmbeddingSpaceMismatchError,
    InvalidEmbeddingError,
    InvalidSearchError,
    PostIndex,
    Query,
    Ranking,
)
from post_index_service.packed_posts import PackedPosts
from rpc.errors import ErrorRow, ErrorTable

SERVICE_NAME = post_index_pb2.DESCRIPTOR.services_by_name["PostIndexService"].full_name

ERRORS: ErrorTable = {
    CategoryNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND"),
    EmbeddingSpaceMismatchError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "EMBEDDING_SPACE_MISMATCH"),
    InvalidEmbeddingError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "EMBEDDING_INVALID"),
    MalformedEmbeddingError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "EMBEDDING_INVALID"),
    InvalidSearchError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "SEARCH_INVALID"),
    BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    BundleError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_REFUSED"),
}

_RANKINGS = {
    Ranking.USER: post_index_pb2.SEARCH_RANKING_USER,
    Ranking.MOOD_THEN_USER: post_index_pb2.SEARCH_RANKING_MOOD_THEN_USER,
    Ranking.MOOD: post_index_pb2.SEARCH_RANKING_MOOD,
    Ranking.POPULAR: post_index_pb2.SEARCH_RANKING_POPULAR,
}


class PostIndexService(post_index_pb2_grpc.PostIndexServiceServicer):
    """Answers each request from one bundle's index."""

    def __init__(self, indexes: HeldBundles[PostIndex]) -> None:
        self._indexes = indexes
        self._packed = PackedPosts()

    def SearchPosts(self, request: post_index_pb2.SearchPostsRequest, context: grpc.ServicerContext) -> bytes:
        """Rank servable posts: a serialised SearchPostsResponse."""
        index = self._indexes.named(request.bundle_id or self._bundle_of_embeddings(request))
        result = index.search(
            Query(
                user=read_embedding(request.user_embedding) if request.HasField("user_embedding") else None,
                mood=read_embedding(request.mood_embedding) if request.HasField("mood_embedding") else None,
                category_id=request.category_id if request.HasField("category_id") else None,
                exclude_post_ids=request.exclude_post_ids,
                seen_post_ids=request.seen_post_ids,
                offset=request.offset,
                limit=request.limit,
            )
        )
        packed = packed_pb2.PackedSearchPostsResponse(
            posts=self._packed.of(index, result),
            has_more=result.has_more,
            ranking=_RANKINGS[result.ranking],
            bundle_id=index.bundle_id,
            current_bundle_id=self._indexes.current.bundle_id,
        )
        return packed.SerializeToString()

    def _bundle_of_embeddings(self, request: post_index_pb2.SearchPostsRequest) -> str:
        """The bundle that the embeddings name, if it is held: what is foreign, the current index refuses by itself."""
        state = self._indexes.state
        for embedding in (request.user_embedding, request.mood_embedding):
            if embedding.space.bundle_id == state.previous_bundle_id:
                return state.previous_bundle_id
        return ""

    def ListCategories(
        self, request: post_index_pb2.ListCategoriesRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.ListCategoriesResponse:
        """All categories with at least one servable post."""
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

    def GetEmbeddingSpace(
        self, request: post_index_pb2.GetEmbeddingSpaceRequest, context: grpc.ServicerContext
    ) -> post_index_pb2.GetEmbeddingSpaceResponse:
        """Say which spaces are searched."""
        index = self._indexes.current
        return post_index_pb2.GetEmbeddingSpaceResponse(
            tower_space=write_space(index.tower_space), text_space=write_space(index.text_space)
        )
