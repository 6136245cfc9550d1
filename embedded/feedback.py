"""Feedback in one process: the gateway's port, answered by the store of this process, and its sync gRPC edge."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import grpc

from embedded.coroutines import run_at_once
from gateway import feedback_types
from gateway.edge import Deadline
from gateway.feedback import check_person, record_interactions
from gateway.feedback_messages import read_interactions, write_recorded
from gateway.feedback_types import Interaction, Recorded, Result, RowResult
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc import wall_clock
from store.errors import InvalidInteractionError, StoreUnavailableError
from store.interactions import NewInteraction, RecordResult, Verb
from user_tower_service.people_messages import write_export
from user_tower_service.people_store import NoStoreError, PeopleStore, SamePersonError

_RESULTS = {RecordResult.ACCEPTED: Result.ACCEPTED, RecordResult.DUPLICATE: Result.DUPLICATE}
_Answer = TypeVar("_Answer")


class LocalRecorder:
    """An InteractionRecorder whose coroutine never waits: the calling thread writes."""

    def __init__(self, people: PeopleStore) -> None:
        self._people = people

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions; once begun, it is finished."""
        return self.record_now(interactions)

    def record_now(self, interactions: Sequence[Interaction]) -> Recorded:
        """Record interactions; blocks until they are durable."""
        rows = [_row(interaction) for interaction in interactions]
        sound = [row for row in rows if isinstance(row, NewInteraction)]
        if not sound:
            return Recorded(0, [row for row in rows if isinstance(row, RowResult)])
        recorded = or_feed_error(lambda: self._people.record(sound))
        of_sound = iter(recorded.results)
        return Recorded(
            recorded.position,
            [
                row if isinstance(row, RowResult) else RowResult(_RESULTS[next(of_sound)], event_id=row.event_id)
                for row in rows
            ],
        )


class ThreadedRecorder:
    """An InteractionRecorder for an event loop: a thread writes."""

    def __init__(self, recorder: LocalRecorder) -> None:
        self._recorder = recorder

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions; once begun, it is finished, also if nobody waits for it any more."""
        return await asyncio.to_thread(self._recorder.record_now, interactions)


class LocalFeedbackService(feedback_pb2_grpc.FeedbackServiceServicer):
    """Answers from the store of this process."""

    def __init__(self, people: PeopleStore, *, deadline_seconds: float) -> None:
        self._people = people
        self._recorder = LocalRecorder(people)
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
        export = or_feed_error(lambda: self._people.export_person(request.username))
        if export is None:
            raise feedback_types.PersonNotFoundError
        return write_export(export)

    def DeletePerson(
        self, request: feedback_pb2.DeletePersonRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.DeletePersonResponse:
        """Delete a person."""
        check_person(request.username)
        position = or_feed_error(lambda: self._people.delete_person(request.username))
        return feedback_pb2.DeletePersonResponse(position=position)

    def MergePeople(
        self, request: feedback_pb2.MergePeopleRequest, context: grpc.ServicerContext
    ) -> feedback_pb2.MergePeopleResponse:
        """Make one person another."""
        merged, into = request.merged_username, request.into_username
        check_person(merged)
        check_person(into)
        return feedback_pb2.MergePeopleResponse(
            position=or_feed_error(lambda: self._people.merge_people(merged, into=into))
        )


def or_feed_error(call: Callable[[], _Answer]) -> _Answer:
    """What a call of the store answers; its errors are those of the gateway."""
    try:
        return call()
    except NoStoreError as error:
        raise feedback_types.NoStoreError("feedback is not set up: set MOODFEED_STORE_URL") from error
    except StoreUnavailableError as error:
        raise feedback_types.StoreUnavailableError("the store is unavailable: try again later") from error
    except (SamePersonError, InvalidInteractionError) as error:
        raise feedback_types.InvalidPersonError(str(error)) from error


def _row(interaction: Interaction) -> NewInteraction | RowResult:
    try:
        return NewInteraction(
            event_id=interaction.event_id,
            username=interaction.username,
            occurred_at_ms=interaction.occurred_at_ms or 0,
            verb=Verb[interaction.verb] if interaction.verb else None,
            post_id=interaction.post_id,
            external_id=interaction.external_id or None,
            watched_share=interaction.watched_share,
            rating_percent=interaction.rating_percent,
            feed_id=interaction.feed_id or None,
            retracts=interaction.retracts or None,
        )
    except InvalidInteractionError as error:
        return RowResult(Result.REJECTED, str(error))
