"""Moments as callers write them in JSON and in queries."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?[0-9]{1,15}")
_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999


class InvalidMomentError(ValueError):
    """The text is no moment; says what it must be."""


def read_rfc3339(text: str) -> int:
    """Milliseconds since 1970 of a time in the form of RFC 3339; raises InvalidMomentError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidMomentError("must be a time with its offset, such as 2026-05-04T09:30:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)  # a float would lose a millisecond now and then


def read_moment(text: str) -> int:
    """The same, or whole milliseconds since 1970."""
    if not _MILLISECONDS.fullmatch(text):
        try:
            return read_rfc3339(text)
        except InvalidMomentError as error:
            raise InvalidMomentError(f"it {error}, or milliseconds since 1970") from error
    if not _EARLIEST_MS <= int(text) <= _LATEST_MS:
        raise InvalidMomentError("it must be in the years 1 to 9999")
    return int(text)
