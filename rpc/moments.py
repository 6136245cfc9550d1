"""Moments as messages and JSON documents carry them: milliseconds since 1970 everywhere inside."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidMomentError(ValueError):
    """The text is not a moment; says what it must be."""


def read_rfc3339(text: str) -> int:
    """Milliseconds since 1970 of a time in the form of RFC 3339; raises InvalidMomentError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidMomentError("must be a time with its offset, such as 2026-05-04T09:30:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)  # a float would lose a millisecond now and then


def milliseconds_of(moment: Timestamp) -> int:
    """Milliseconds since 1970, of any message: protobuf's own function refuses those that are not dates."""
    return moment.seconds * 1000 + moment.nanos // 1_000_000


def timestamp_of(milliseconds: int) -> Timestamp:
    """The message of a moment; ValueError if it is not in the years 1 to 9999."""
    moment = Timestamp()
    moment.FromMilliseconds(milliseconds)
    return moment
