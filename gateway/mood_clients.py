"""What a mood is understood as, asked of the user tower service for the explorer."""

from typing import Protocol

import grpc

from gateway.clients import USER_TOWER, feed_error
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.attempts import NoReplicaError, RetryingCalls
from rpc.replicas import Replicas


class ReadsMoods(Protocol):
    """Knows what moods are understood as."""

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        """What one of at most 512 code points is understood as."""


class GrpcMoods:
    """The user tower service behind its replicas."""

    def __init__(self, replicas: Replicas[user_tower_pb2_grpc.UserTowerServiceStub], *, attempt_seconds: float) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=attempt_seconds)

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        """What a mood is understood as."""
        request = user_tower_pb2.ReadMoodRequest(mood=mood)
        try:
            answer: user_tower_pb2.ReadMoodResponse = await self._calls.call(
                lambda stub: stub.ReadMood, request, seconds=seconds
            )
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, USER_TOWER) from error
        return answer
