"""One shard of the post index service behind its replicas."""

import grpc

from gateway.clients import ELSEWHERE, POST_INDEX, GrpcPostSearch, PostIndexStub, feed_error
from gateway.feed_types import FeedCategory
from moodfeed.post_index.v1 import post_index_pb2
from rpc.attempts import NoReplicaError, RetryingCalls
from rpc.replicas import Replicas


class GrpcShard:
    """Calls any replica of one shard."""

    def __init__(self, replicas: Replicas[PostIndexStub], *, attempt_seconds: float) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=attempt_seconds, elsewhere=ELSEWHERE)
        self._whole = GrpcPostSearch(replicas, attempt_seconds=attempt_seconds)

    async def rank_posts(
        self, request: post_index_pb2.RankPostsRequest, *, seconds: float
    ) -> post_index_pb2.RankPostsResponse:
        """Rank the posts of the shard."""
        try:
            answer: post_index_pb2.RankPostsResponse = await self._calls.call(
                lambda stub: stub.RankPosts, request, seconds=seconds
            )
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, POST_INDEX) from error
        return answer

    async def reorder_posts(
        self, request: post_index_pb2.ReorderPostsRequest, *, seconds: float
    ) -> post_index_pb2.ReorderPostsResponse:
        """Reorder the merged ranking of all shards."""
        try:
            answer: post_index_pb2.ReorderPostsResponse = await self._calls.call(
                lambda stub: stub.ReorderPosts, request, seconds=seconds
            )
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, POST_INDEX) from error
        return answer

    async def get_shard(
        self, request: post_index_pb2.GetShardRequest, *, seconds: float
    ) -> post_index_pb2.GetShardResponse:
        """Which shard it is."""
        try:
            answer: post_index_pb2.GetShardResponse = await self._calls.call(
                lambda stub: stub.GetShard, request, seconds=seconds
            )
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, POST_INDEX) from error
        return answer

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List the categories of all shards."""
        return await self._whole.list_categories(bundle_id=bundle_id, seconds=seconds)
