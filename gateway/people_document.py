"""A person's data as JSON: what ExportPerson answers, and the two names of a merge."""

from collections.abc import Callable, Mapping

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.feedback_messages import NAMES_OF_VERBS, MalformedDocumentError
from moodfeed.feedback.v1 import feedback_pb2

_NAMES = ("merged_username", "into_username")
_SHOWN_CHARACTERS = 40


def export_document(
    person: feedback_pb2.ExportPersonResponse, *, ids: Callable[[int], int | str] = int
) -> Mapping[str, object]:
    """Everything that is kept about a person; an interaction has the form in which POST /interactions takes it.

    ``ids`` is how JSON carries post ids.
    """
    return {
        "username": person.username,
        "position": person.position,
        "interactions": [
            {
                "interaction": _interaction(recorded.interaction, ids),
                "position": recorded.position,
                "is_taken_back": recorded.is_taken_back,
            }
            for recorded in person.interactions
        ],
        "served": [
            {
                "post_ids": [ids(post_id) for post_id in served.post_ids],
                "shown_at": _moment(served.shown_at),
                "feed_id": served.feed_id,
            }
            for served in person.served
        ],
        "merged_usernames": list(person.merged_usernames),
    }


def _interaction(message: feedback_pb2.Interaction, ids: Callable[[int], int | str]) -> Mapping[str, object]:
    """The fields that are set."""
    document: dict[str, object] = {}
    for field, value in message.ListFields():
        match field.name:
            case "post_id":
                document[field.name] = ids(value)
            case "verb":
                document[field.name] = NAMES_OF_VERBS.get(value, str(value))
            case "occurred_at":
                document[field.name] = _moment(value)
            case _:
                document[field.name] = value
    return document


def _moment(moment: Timestamp) -> str:
    return moment.ToJsonString()


def read_merge(body: bytes) -> tuple[str, str]:
    """The person who ceases to exist and the one who stays; MalformedDocumentError if the body does not name them."""
    form = 'the body must be {"merged_username": "…", "into_username": "…"}'
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedDocumentError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedDocumentError(form)
    if unknown := document.keys() - set(_NAMES):
        raise MalformedDocumentError(f"unknown field {min(unknown)[:_SHOWN_CHARACTERS]!r}: {form}")
    merged, into = (document.get(name) for name in _NAMES)
    if not (isinstance(merged, str) and isinstance(into, str)):
        raise MalformedDocumentError(form)
    return merged, into
