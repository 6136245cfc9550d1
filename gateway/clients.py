"""The two compute services as the feed sees them: calls with deadlines, and their errors in the feed's words."""

import grpc

from gateway.feed import (
    Category,
    CategoryNotFoundError,
    Context,
    DeadlineExceededError,
    Embedding,
    Post,
    Ranking,
    Search,
    SearchResult,
    UnavailableError,
)
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.errors import read_error_info

_RANKINGS = {
    post_index_pb2.SEARCH_RANKING_USER: Ranking.USER,
    post_index_pb2.SEARCH_RANKING_MOOD_THEN_USER: Ranking.MOOD_THEN_USER,
    post_index_pb2.SEARCH_RANKING_MOOD: Ranking.MOOD,
    post_index_pb2.SEARCH_RANKING_POPULAR: Ranking.POPULAR,
}
_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.FAILED_PRECONDITION,  # tower and index on different bundles for a moment: never a mixed feed
}


class GrpcUserTower:
    """The user tower service behind a channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = user_tower_pb2_grpc.UserTowerServiceStub(channel)

    async def encode_context(self, username: str, mood: str, *, seconds: float) -> Context:
        """Embed user and mood."""
        request = user_tower_pb2.EncodeContextRequest(username=username, mood=mood)
        try:
            answer = await self._stub.EncodeContext(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _in_our_words(error, "user_tower_service") from error
        return Context(
            user=_embedding(answer.user_embedding) if answer.HasField("user_embedding") else None,
            mood=_embedding(answer.mood_embedding) if answer.HasField("mood_embedding") else None,
            seen_post_ids=tuple(answer.seen_post_ids),
        )


class GrpcPostIndex:
    """The post index service behind a channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = post_index_pb2_grpc.PostIndexServiceStub(channel)

    async def search_posts(self, search: Search, *, seconds: float) -> SearchResult:
        """Rank posts."""
        request = post_index_pb2.SearchPostsRequest(
            user_embedding=_message(search.context.user),
            mood_embedding=_message(search.context.mood),
            category_id=search.category_id,
            exclude_post_ids=search.exclude_post_ids,
            seen_post_ids=search.context.seen_post_ids,
            offset=search.offset,
            limit=search.limit,
        )
        try:
            answer = await self._stub.SearchPosts(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if read_error_info(error).reason == "CATEGORY_NOT_FOUND":
                raise CategoryNotFoundError from error
            raise _in_our_words(error, "post_index_service") from error
        return SearchResult(
            posts=tuple(
                Post(
                    post_id=post.post_id,
                    video_link=post.video_link,
                    title=post.title,
                    thumbnail_url=post.thumbnail_url,
                    category_id=post.category_id,
                    owner_username=post.owner_username,
                    score=post.score,
                )
                for post in answer.posts
            ),
            has_more=answer.has_more,
            ranking=_RANKINGS[answer.ranking],
            bundle_id=answer.bundle_id,
        )

    async def list_categories(self, *, seconds: float) -> tuple[Category, ...]:
        """All valid categories."""
        try:
            answer = await self._stub.ListCategories(post_index_pb2.ListCategoriesRequest(), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _in_our_words(error, "post_index_service") from error
        return tuple(
            Category(category.category_id, category.name, category.post_count) for category in answer.categories
        )


def _embedding(message: embedding_pb2.Embedding) -> Embedding:
    return Embedding(message.space.bundle_id, message.space.kind, message.space.dimension, message.values)


def _message(embedding: Embedding | None) -> embedding_pb2.Embedding | None:
    if embedding is None:
        return None
    space = embedding_pb2.EmbeddingSpace(
        bundle_id=embedding.bundle_id,
        kind=embedding_pb2.EmbeddingKind.Name(embedding.kind),
        dimension=embedding.dimension,
    )
    return embedding_pb2.Embedding(space=space, values=embedding.values)


def _in_our_words(error: grpc.aio.AioRpcError, service: str) -> Exception:
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError(f"{service} did not answer in time", service=service)
    if error.code() in _PASSING:
        reason = read_error_info(error).reason
        return UnavailableError(
            f"{service} is unavailable" + (f": {reason}" if reason else ""), service=service, downstream_reason=reason
        )
    return error
