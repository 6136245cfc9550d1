"""What the explorer alone asks of the two services, to explain a feed to a person."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.answered_calls import or_feed_error
from gateway.clients import POST_INDEX, USER_TOWER, PostIndexStub
from moodfeed.post_index.v1 import post_index_pb2
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.attempts import Candidates, RetryingCalls
from rpc.replicas import Replicas


class ExplorerFacts(Protocol):
    """Knows what moods are understood as, and what may stand for missing titles."""

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        """What a mood of at most 512 code points is understood as."""

    async def stand_in_titles(self, post_ids: Sequence[int], *, seconds: float) -> Mapping[int, str]:
        """Texts by post id, of those of at most 100 posts that have no title."""


class GrpcExplorerFacts:
    """The two services behind their replicas."""

    def __init__(
        self,
        towers: Replicas[user_tower_pb2_grpc.UserTowerServiceStub],
        indexes: Candidates[PostIndexStub],
        *,
        attempt_seconds: float,
    ) -> None:
        self._towers = RetryingCalls(towers, attempt_seconds=attempt_seconds)
        self._indexes = RetryingCalls(indexes, attempt_seconds=attempt_seconds)

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        """What a mood is understood as."""
        request = user_tower_pb2.ReadMoodRequest(mood=mood)
        return await or_feed_error(
            self._towers.call(lambda stub: stub.ReadMood, request, seconds=seconds), service=USER_TOWER
        )

    async def stand_in_titles(self, post_ids: Sequence[int], *, seconds: float) -> Mapping[int, str]:
        """Texts by post id."""
        request = post_index_pb2.ListStandInTitlesRequest(post_ids=post_ids)
        answer: post_index_pb2.ListStandInTitlesResponse = await or_feed_error(
            self._indexes.call(lambda stub: stub.ListStandInTitles, request, seconds=seconds), service=POST_INDEX
        )
        return answer.titles
