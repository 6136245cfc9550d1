"""The gateway's gRPC edge for feedback: messages in, what became of them out."""

import grpc

from gateway.edge import Deadline
from gateway.feedback import check_person, record_interactions
from gateway.feedback_clients import GrpcPeople
from gateway.feedback_messages import read_interactions, write_recorded
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc import wall_clock
from rpc.admission import InFlight


class FeedbackService(feedback_pb2_grpc.FeedbackServiceServicer):
    """Records what people do, on an event loop."""

    def __init__(self, people: GrpcPeople, *, in_flight: InFlight, deadline_seconds: float) -> None:
        self._people = people
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds

    async def RecordInteractions(
        self,
        request: feedback_pb2.RecordInteractionsRequest,
        context: grpc.aio.ServicerContext[
            feedback_pb2.RecordInteractionsRequest, feedback_pb2.RecordInteractionsResponse
        ],
    ) -> feedback_pb2.RecordInteractionsResponse:
        """Record interactions."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("RecordInteractions"):
            return write_recorded(
                await record_interactions(
                    read_interactions(request), recorder=self._people, clock=clock, now_ms=wall_clock.now_ms()
                )
            )

    async def ExportPerson(
        self,
        request: feedback_pb2.ExportPersonRequest,
        context: grpc.aio.ServicerContext[feedback_pb2.ExportPersonRequest, feedback_pb2.ExportPersonResponse],
    ) -> feedback_pb2.ExportPersonResponse:
        """Return everything that is kept about a person."""
        check_person(request.username)
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        return await self._people.export_person(request.username, seconds=clock.seconds_left())

    async def DeletePerson(
        self,
        request: feedback_pb2.DeletePersonRequest,
        context: grpc.aio.ServicerContext[feedback_pb2.DeletePersonRequest, feedback_pb2.DeletePersonResponse],
    ) -> feedback_pb2.DeletePersonResponse:
        """Delete a person."""
        check_person(request.username)
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        position = await self._people.delete_person(request.username, seconds=clock.seconds_left())
        return feedback_pb2.DeletePersonResponse(position=position)

    async def MergePeople(
        self,
        request: feedback_pb2.MergePeopleRequest,
        context: grpc.aio.ServicerContext[feedback_pb2.MergePeopleRequest, feedback_pb2.MergePeopleResponse],
    ) -> feedback_pb2.MergePeopleResponse:
        """Make one person another."""
        check_person(request.merged_username)
        check_person(request.into_username)
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        position = await self._people.merge_people(
            request.merged_username, into=request.into_username, seconds=clock.seconds_left()
        )
        return feedback_pb2.MergePeopleResponse(position=position)
