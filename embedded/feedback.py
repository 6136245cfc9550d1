"""Feedback in one process: what people do goes into the store of this process."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway import feedback_types
from gateway.feed_types import DeadlineExceededError
from gateway.feedback_types import Interaction, Recorded, Result, RowResult
from store.errors import InvalidInteractionError, StoreUnavailableError
from store.interactions import NewInteraction, RecordResult, Verb
from user_tower_service.people_store import NoStoreError, PeopleStore, SamePersonError

_RESULTS = {RecordResult.ACCEPTED: Result.ACCEPTED, RecordResult.DUPLICATE: Result.DUPLICATE}
_Answer = TypeVar("_Answer")


class LocalRecorder:
    """An InteractionRecorder whose coroutine never waits: the calling thread writes."""

    def __init__(self, people: PeopleStore) -> None:
        self._people = people

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        """Record interactions; once begun, it is finished. DeadlineExceededError if no time is left to begin."""
        if seconds <= 0:
            raise DeadlineExceededError("the deadline of the request passed")
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
