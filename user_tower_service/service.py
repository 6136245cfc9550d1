"""The gRPC edge of the user tower service: it turns messages into calls of the encoder, and results into messages."""

import grpc

from bundle.held_bundles import BundleNotHeldError, HeldBundles
from bundle.manifest import BundleError
from compute.embedding_messages import write_embedding, write_space
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.errors import ErrorRow, ErrorTable
from user_tower_service.encoder import (
    Context,
    ContextCountError,
    Encoder,
    MoodTooLongError,
    PostContent,
    PostCountError,
)

SERVICE_NAME = user_tower_pb2.DESCRIPTOR.services_by_name["UserTowerService"].full_name

ERRORS: ErrorTable = {
    MoodTooLongError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOOD_TOO_LONG"),
    ContextCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CONTEXT_COUNT_OUT_OF_RANGE"),
    PostCountError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "POST_COUNT_OUT_OF_RANGE"),
    BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    BundleError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_REFUSED"),
}


class UserTowerService(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Serves each request with the encoder of one bundle."""

    def __init__(self, encoders: HeldBundles[Encoder]) -> None:
        self._encoders = encoders

    def EncodeContext(
        self,
        request: user_tower_pb2.EncodeContextRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodeContextResponse:
        """Embed the user, if known, and the mood, if given."""
        encoder = self._encoders.named(request.bundle_id)
        return _context_message(encoder.encode_context(request.username, request.mood), encoder.bundle_id)

    def EncodeContexts(
        self,
        request: user_tower_pb2.EncodeContextsRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodeContextsResponse:
        """Embed several users and moods."""
        encoder = self._encoders.named(request.bundle_id)
        asked = [(each.username, each.mood) for each in request.contexts]
        return user_tower_pb2.EncodeContextsResponse(
            contexts=[_context_message(encoded, encoder.bundle_id) for encoded in encoder.encode_contexts(asked)]
        )

    def EncodePosts(
        self,
        request: user_tower_pb2.EncodePostsRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.EncodePostsResponse:
        """Embed posts in both spaces."""
        encoder = self._encoders.current
        posts = [PostContent(post.post_id, post.title, post.description, post.category_id) for post in request.posts]
        return user_tower_pb2.EncodePostsResponse(
            posts=[
                user_tower_pb2.PostEmbeddings(
                    post_id=post.post_id,
                    tower_embedding=write_embedding(post.tower),
                    text_embedding=write_embedding(post.text),
                )
                for post in encoder.encode_posts(posts)
            ],
            bundle_id=encoder.bundle_id,
        )

    def GetEmbeddingSpace(
        self,
        request: user_tower_pb2.GetEmbeddingSpaceRequest,
        context: grpc.ServicerContext,
    ) -> user_tower_pb2.GetEmbeddingSpaceResponse:
        """Return the spaces of the current bundle."""
        encoder = self._encoders.current
        return user_tower_pb2.GetEmbeddingSpaceResponse(
            tower_space=write_space(encoder.tower_space), text_space=write_space(encoder.text_space)
        )


def _context_message(encoded: Context, bundle_id: str) -> user_tower_pb2.EncodeContextResponse:
    return user_tower_pb2.EncodeContextResponse(
        user_embedding=write_embedding(encoded.user) if encoded.user else None,
        mood_embedding=write_embedding(encoded.mood) if encoded.mood else None,
        seen_post_ids=encoded.seen_post_ids,
        bundle_id=bundle_id,
        mood_unavailable=encoded.mood_unavailable,
    )
