"""The messages of moodfeed.feedback.v1.FeedbackService, read and written, and the same as JSON for HTTP."""

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from gateway.feedback_types import VERBS, Interaction, Recorded, Result, RowResult, UnreadableInteraction
from moodfeed.feedback.v1 import feedback_pb2
from rpc.moments import InvalidMomentError, milliseconds_of, read_rfc3339

SERVICE_NAME = feedback_pb2.DESCRIPTOR.services_by_name["FeedbackService"].full_name
RECORDING = frozenset({"RecordInteractions"})
OF_OPERATORS = frozenset({"ExportPerson", "DeletePerson", "MergePeople"})
RECORD_METHOD = f"/{SERVICE_NAME}/RecordInteractions"
_PREFIX = "VERB_"
_NUMBERS = {verb: cast("feedback_pb2.Verb", feedback_pb2.Verb.Value(f"{_PREFIX}{verb}")) for verb in VERBS}
NAMES_OF_VERBS: Mapping[int, str] = {number: verb for verb, number in _NUMBERS.items()} | {0: ""}
_RESULT_NUMBERS = {
    result: cast("feedback_pb2.RecordResult", feedback_pb2.RecordResult.Value(result.value)) for result in Result
}
_RESULTS = {number: result for result, number in _RESULT_NUMBERS.items()}
_SHOWN_CHARACTERS = 40
_LONGEST_NUMBER = 20  # digits of an integer of 64 bits
_TEXTS = ("event_id", "username", "verb", "external_id", "retracts", "feed_id")
_FIELDS = frozenset({*_TEXTS, "post_id", "watched_share", "rating_percent", "occurred_at", "place"})


class MalformedDocumentError(Exception):
    """The body is not JSON of the form {"interactions": [...]}."""


class _UnreadableError(Exception):
    """A value of a row has the wrong type; the text begins with the name of the field."""


def read_interactions(request: feedback_pb2.RecordInteractionsRequest) -> list[Interaction | UnreadableInteraction]:
    """Read a RecordInteractionsRequest."""
    return [
        Interaction(
            event_id=message.event_id,
            username=message.username,
            post_id=message.post_id if message.HasField("post_id") else None,
            external_id=message.external_id,
            verb=NAMES_OF_VERBS.get(message.verb, str(message.verb)),
            watched_share=message.watched_share if message.HasField("watched_share") else None,
            rating_percent=message.rating_percent if message.HasField("rating_percent") else None,
            occurred_at_ms=milliseconds_of(message.occurred_at) if message.HasField("occurred_at") else None,
            retracts=message.retracts,
            feed_id=message.feed_id,
            place=message.place if message.HasField("place") else None,
        )
        for message in request.interactions
    ]


def write_interaction(interaction: Interaction) -> feedback_pb2.Interaction:
    """Write an interaction that has a time."""
    message = feedback_pb2.Interaction(
        event_id=interaction.event_id,
        username=interaction.username,
        post_id=interaction.post_id,
        external_id=interaction.external_id,
        verb=_NUMBERS.get(interaction.verb, feedback_pb2.VERB_UNSPECIFIED),
        watched_share=interaction.watched_share,
        rating_percent=interaction.rating_percent,
        retracts=interaction.retracts,
        feed_id=interaction.feed_id,
    )
    seconds, milliseconds = divmod(interaction.occurred_at_ms or 0, 1000)
    moment = message.occurred_at
    moment.seconds, moment.nanos = seconds, milliseconds * 1_000_000
    return message


def read_results(results: Sequence[feedback_pb2.InteractionResult]) -> list[RowResult]:
    """Read what became of interactions."""
    return [RowResult(_RESULTS[message.result], message.reason, message.event_id) for message in results]


def write_recorded(recorded: Recorded) -> feedback_pb2.RecordInteractionsResponse:
    """Write a RecordInteractionsResponse."""
    return feedback_pb2.RecordInteractionsResponse(
        position=recorded.position,
        results=[
            feedback_pb2.InteractionResult(result=_RESULT_NUMBERS[row.result], reason=row.reason, event_id=row.event_id)
            for row in recorded.results
        ],
    )


def read_document(body: bytes) -> list[Interaction | UnreadableInteraction]:
    """Read the JSON {"interactions": [...]}; MalformedDocumentError if the body is not that."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedDocumentError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise MalformedDocumentError('the body must be {"interactions": [...]}')
    if unknown := document.keys() - {"interactions"}:
        raise MalformedDocumentError(f"unknown field {min(unknown)[:_SHOWN_CHARACTERS]!r} beside interactions")
    return [_read_row(row) for row in document["interactions"]]


def recorded_document(recorded: Recorded) -> Mapping[str, object]:
    """What became of interactions, as JSON has it."""
    return {
        "position": recorded.position,
        "results": [
            {"result": row.result.name, "reason": row.reason, "event_id": row.event_id} for row in recorded.results
        ],
    }


def _read_row(row: object) -> Interaction | UnreadableInteraction:
    if not isinstance(row, dict):
        return UnreadableInteraction("an interaction must be a JSON object")
    if unknown := row.keys() - _FIELDS:
        return UnreadableInteraction(f"{min(unknown)[:_SHOWN_CHARACTERS]}: is not a field of an interaction")
    try:
        return Interaction(
            **{field: _text(row, field) for field in _TEXTS},
            post_id=_integer(row, "post_id"),
            watched_share=_number(row, "watched_share"),
            rating_percent=_integer(row, "rating_percent"),
            occurred_at_ms=_moment(row, "occurred_at"),
            place=_integer(row, "place"),
        )
    except _UnreadableError as error:
        return UnreadableInteraction(str(error))


def _text(row: Mapping[str, object], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _UnreadableError(f"{field}: must be a string")
    return value


def _integer(row: Mapping[str, object], field: str) -> int | None:
    """An integer, or its digits: numbers above 2^53 are not exact in JavaScript."""
    value = row.get(field)
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER and value.removeprefix("-").isdecimal():
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _UnreadableError(f"{field}: must be an integer")


def _number(row: Mapping[str, object], field: str) -> float | None:
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _UnreadableError(f"{field}: must be a number")
    return float(value)


def _moment(row: Mapping[str, object], field: str) -> int | None:
    """Milliseconds since 1970 of a time in the form of RFC 3339."""
    text = _text(row, field)
    if not text:
        return None
    try:
        return read_rfc3339(text)
    except InvalidMomentError as error:
        raise _UnreadableError(f"{field}: {error}") from error
