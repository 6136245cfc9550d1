"""The sync gRPC edge for feedback in one process."""

import grpc

from embedded.coroutines import run_at_once
from embedded.feedback import LocalRecorder
from embedded.people import LocalPeople
from gateway.edge import Deadline
from gateway.feedback import check_person, record_interactions
from gateway.feedback_messages import read_interactions, write_recorded
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc import wall_clock


class LocalFeedbackService(feedback_pb2_grpc.FeedbackServiceServicer):
    """Answers from the store of this process."""

    def __init__(self, recorder: LocalRecorder, people: LocalPeople, *, deadline_seconds: float) -> None:
        self._recorder = recorder
        self._people = people
        self._deadline_seconds = deadline_seconds

    def RecordInteractions(
        self, request: feedback_pb2.RecordInteractionsRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.RecordInteractionsResponse:
        """Record interactions."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        recorded = record_interactions(
            read_interactions(request), recorder=self._recorder, clock=clock, now_ms=wall_clock.now_ms()
        )
        return write_recorded(run_at_once(recorded))

    def ExportPerson(
        self, request: feedback_pb2.ExportPersonRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.ExportPersonResponse:
        """Return everything that is kept about a person."""
        check_person(request.username)
        return self._people.export_person(request.username)

    def DeletePerson(
        self, request: feedback_pb2.DeletePersonRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.DeletePersonResponse:
        """Delete a person."""
        check_person(request.username)
        return feedback_pb2.DeletePersonResponse(position=self._people.delete_person(request.username))

    def MergePeople(
        self, request: feedback_pb2.MergePeopleRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.MergePeopleResponse:
        """Make one person another."""
        merged, into = request.merged_username, request.into_username
        check_person(merged)
        check_person(into)
        return feedback_pb2.MergePeopleResponse(position=self._people.merge_people(merged, into=into))
