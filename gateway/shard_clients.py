"""One shard of the post index service behind its replicas."""

from gateway.answered_calls import or_feed_error
from gateway.clients import ELSEWHERE, POST_INDEX, GrpcPostSearch, PostIndexStub
from gateway.feed_types import FeedCategory
from moodfeed.post_index.v1 import post_index_pb2
from rpc.attempts import RetryingCalls
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
        answer: post_index_pb2.RankPostsResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.RankPosts, request, seconds=seconds), service=POST_INDEX
        )
        return answer

    async def reorder_posts(
        self, request: post_index_pb2.ReorderPostsRequest, *, seconds: float
    ) -> post_index_pb2.ReorderPostsResponse:
        """Reorder the merged ranking of all shards."""
        answer: post_index_pb2.ReorderPostsResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.ReorderPosts, request, seconds=seconds), service=POST_INDEX
        )
        return answer

    async def get_shard(
        self, request: post_index_pb2.GetShardRequest, *, seconds: float
    ) -> post_index_pb2.GetShardResponse:
        """Which shard it is."""
        answer: post_index_pb2.GetShardResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.GetShard, request, seconds=seconds), service=POST_INDEX
        )
        return answer

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List the categories of all shards."""
        return await self._whole.list_categories(bundle_id=bundle_id, seconds=seconds)
