"""What people do, passed on to the user tower service; the gateway's own memory takes it into account at once."""

from collections.abc import Sequence

from gateway.answered_calls import or_feed_error
from gateway.clients import USER_TOWER
from gateway.feed_messages import post_id_of
from gateway.feedback_messages import read_results, write_interaction
from gateway.feedback_types import Interaction, PersonNotFoundError, Recorded
from gateway.people_changes import PeopleChanges
from gateway.served_memory import Remembered
from moodfeed.feedback.v1 import feedback_pb2
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.attempts import RetryingCalls
from rpc.replicas import Replicas

_WRITE_SECONDS = 30.0  # of one attempt: a write that is slow because of its disk would be slow again elsewhere


class GrpcPeople:
    """The user tower service behind its replicas; a write is repeated only where it could not be made.

    A repetition is safe: an interaction is recorded once by its event id.
    """

    def __init__(self, replicas: Replicas[user_tower_pb2_grpc.UserTowerServiceStub], changes: PeopleChanges) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=_WRITE_SECONDS)
        self._changes = changes

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions."""
        request = user_tower_pb2.RecordInteractionsRequest(interactions=map(write_interaction, interactions))
        answer: user_tower_pb2.RecordInteractionsResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.RecordInteractions, request, seconds=seconds), service=USER_TOWER
        )
        self._changes.note_own({interaction.username for interaction in interactions}, answer.position)
        return Recorded(answer.position, read_results(answer.results))

    async def remember_served(
        self, username: str, posts: Sequence[bytes], *, feed_id: str, read_up_to: int, seconds: float
    ) -> Remembered:
        """Remember what an answer shows. A repetition names the same answer, and nobody else has taken its posts."""
        request = user_tower_pb2.RememberServedRequest(
            username=username, post_ids=map(post_id_of, posts), feed_id=feed_id, read_up_to=read_up_to
        )
        answer: user_tower_pb2.RememberServedResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.RememberServed, request, seconds=seconds), service=USER_TOWER
        )
        self._changes.note_own([username], answer.position)
        return Remembered(answer.position, is_taken=answer.is_taken)

    async def list_people(self, *, seconds: float) -> Sequence[str]:
        """Some people that a feed can be requested for."""
        request = user_tower_pb2.ListPeopleRequest()
        answer: user_tower_pb2.ListPeopleResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.ListPeople, request, seconds=seconds), service=USER_TOWER
        )
        return answer.usernames

    async def export_person(self, username: str, *, seconds: float) -> feedback_pb2.ExportPersonResponse:
        """Everything that is kept about a person; PersonNotFoundError if nothing is."""
        request = user_tower_pb2.ExportPersonRequest(username=username)
        answer: user_tower_pb2.ExportPersonResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.ExportPerson, request, seconds=seconds), service=USER_TOWER
        )
        if not answer.HasField("person"):
            raise PersonNotFoundError
        return answer.person

    async def delete_person(self, username: str, *, seconds: float) -> int:
        """Delete a person; gives the position from which on they are unknown."""
        request = user_tower_pb2.DeletePersonRequest(username=username)
        answer: user_tower_pb2.DeletePersonResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.DeletePerson, request, seconds=seconds), service=USER_TOWER
        )
        self._changes.note_own_of_anybody(answer.position)
        return answer.position

    async def merge_people(self, merged: str, *, into: str, seconds: float) -> int:
        """Make one person another; gives the position from which on they are one."""
        request = user_tower_pb2.MergePeopleRequest(merged_username=merged, into_username=into)
        answer: user_tower_pb2.MergePeopleResponse = await or_feed_error(
            self._calls.call(lambda stub: stub.MergePeople, request, seconds=seconds), service=USER_TOWER
        )
        self._changes.note_own_of_anybody(answer.position)
        return answer.position
