"""The messages about people and what they do, read and written as values of the store."""

from moodfeed.feedback.v1 import feedback_pb2
from rpc.moments import timestamp_of
from store.errors import InvalidInteractionError
from store.interactions import Interaction, NewInteraction, RecordResult, Verb
from store.log_entries import PostsServed
from store.people import PersonExport

_EARLIEST_SECONDS, _LATEST_SECONDS = -62_135_596_800, 253_402_300_799  # of google.protobuf.Timestamp
_VERBS = {
    feedback_pb2.VERB_VIEW: Verb.VIEW,
    feedback_pb2.VERB_LIKE: Verb.LIKE,
    feedback_pb2.VERB_INSPIRE: Verb.INSPIRE,
    feedback_pb2.VERB_RATING: Verb.RATING,
    feedback_pb2.VERB_SKIP: Verb.SKIP,
    feedback_pb2.VERB_NOT_INTERESTED: Verb.NOT_INTERESTED,
}
_NUMBERS = {verb: number for number, verb in _VERBS.items()}
_RESULTS = {
    RecordResult.ACCEPTED: feedback_pb2.RECORD_RESULT_ACCEPTED,
    RecordResult.DUPLICATE: feedback_pb2.RECORD_RESULT_DUPLICATE,
}


def read_interaction(message: feedback_pb2.Interaction) -> NewInteraction:
    """The row of a message; InvalidInteractionError names what no row can hold."""
    if message.verb and message.verb not in _VERBS:
        raise InvalidInteractionError(f"verb: {message.verb} is unknown")
    if not message.HasField("occurred_at"):
        raise InvalidInteractionError("occurred_at: is missing")
    moment = message.occurred_at
    if not (_EARLIEST_SECONDS <= moment.seconds <= _LATEST_SECONDS and 0 <= moment.nanos < 10**9):
        raise InvalidInteractionError("occurred_at: is not a time of the years 1 to 9999")
    return NewInteraction(
        event_id=message.event_id,
        username=message.username,
        occurred_at_ms=moment.ToMilliseconds(),
        verb=_VERBS.get(message.verb),
        post_id=message.post_id if message.HasField("post_id") else None,
        external_id=message.external_id or None,
        watched_share=message.watched_share if message.HasField("watched_share") else None,
        rating_percent=message.rating_percent if message.HasField("rating_percent") else None,
        feed_id=message.feed_id or None,
        retracts=message.retracts or None,
    )


def write_result(result: RecordResult, event_id: str) -> feedback_pb2.InteractionResult:
    """What became of a row that could be stored."""
    return feedback_pb2.InteractionResult(result=_RESULTS[result], event_id=event_id)


def write_rejection(reason: str) -> feedback_pb2.InteractionResult:
    """What became of a row that could not."""
    return feedback_pb2.InteractionResult(result=feedback_pb2.RECORD_RESULT_REJECTED, reason=reason)


def write_export(export: PersonExport) -> feedback_pb2.ExportPersonResponse:
    """The message of everything that is kept about a person."""
    return feedback_pb2.ExportPersonResponse(
        username=export.username,
        position=export.position,
        interactions=[_write_recorded(interaction) for interaction in export.interactions],
        served=[_write_served(served) for served in export.served],
        merged_usernames=[name.username for name in export.merged if name.username is not None],
    )


def _write_recorded(interaction: Interaction) -> feedback_pb2.RecordedInteraction:
    return feedback_pb2.RecordedInteraction(
        interaction=feedback_pb2.Interaction(
            event_id=interaction.event_id,
            username=interaction.username,
            post_id=interaction.post_id,
            external_id=interaction.external_id,
            verb=_NUMBERS[interaction.verb],
            watched_share=interaction.watched_share,
            rating_percent=interaction.rating_percent,
            occurred_at=timestamp_of(interaction.occurred_at_ms),
            feed_id=interaction.feed_id,
        ),
        position=interaction.position,
        is_taken_back=interaction.taken_back_at is not None,
    )


def _write_served(served: PostsServed) -> feedback_pb2.ServedPosts:
    return feedback_pb2.ServedPosts(
        post_ids=served.post_ids, shown_at=timestamp_of(served.shown_at_ms), feed_id=served.feed_id
    )
