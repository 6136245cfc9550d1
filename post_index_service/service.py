"""The gRPC edge of the post index service: messages in, index, messages out."""

import grpc

from moodfeed.embedding.v1 import embedding_pb2
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
from two_tower.bundle import BundleError
from two_tower.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, vector_from_bytes
from two_tower.held_bundles import BundleNotHeldError, HeldBundles

SERVICE_NAME = post_index_pb2.DESCRIPTOR.services_by_name["PostIndexService"].full_name

ERRORS: ErrorTable = {
    CategoryNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND"),
    EmbeddingSpaceMismatchError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "EMBEDDING_SPACE_MISMATCH"),
    InvalidEmbeddingError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "EMBEDDING_INVALID"),
    InvalidSearchError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "SEARCH_INVALID"),
    BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    BundleError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_REFUSED"),
}

_KINDS = {
    EmbeddingKind.TOWER: embedding_pb2.EMBEDDING_KIND_TOWER,
    EmbeddingKind.TEXT: embedding_pb2.EMBEDDING_KIND_TEXT,
}
_KINDS_OF_MESSAGES = {number: kind for kind, number in _KINDS.items()}
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
                user=_embedding(request.user_embedding) if request.HasField("user_embedding") else None,
                mood=_embedding(request.mood_embedding) if request.HasField("mood_embedding") else None,
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
            tower_space=_space_message(index.tower_space), text_space=_space_message(index.text_space)
        )


def _embedding(message: embedding_pb2.Embedding) -> Embedding:
    kind = _KINDS_OF_MESSAGES.get(message.space.kind)
    if kind is None:
        raise InvalidEmbeddingError("embedding has no kind: pass on what EncodeContext returned")
    space = EmbeddingSpace(message.space.bundle_id, kind, message.space.dimension)
    if len(message.values) != 4 * space.dimension:
        raise InvalidEmbeddingError(
            f"embedding has {len(message.values)} bytes, its dimension {space.dimension} takes {4 * space.dimension}"
        )
    return Embedding(space, vector_from_bytes(message.values))


def _space_message(space: EmbeddingSpace) -> embedding_pb2.EmbeddingSpace:
    return embedding_pb2.EmbeddingSpace(bundle_id=space.bundle_id, kind=_KINDS[space.kind], dimension=space.dimension)
