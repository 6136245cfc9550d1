"""Moments as callers write them in queries."""

import re

from rpc.moments import InvalidMomentError, read_rfc3339

_MILLISECONDS = re.compile(r"-?[0-9]{1,15}")
_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999


def read_moment(text: str) -> int:
    """Milliseconds since 1970, of a time in the form of RFC 3339 or of themselves; raises InvalidMomentError."""
    if not _MILLISECONDS.fullmatch(text):
        try:
            return read_rfc3339(text)
        except InvalidMomentError as error:
            raise InvalidMomentError(f"it {error}, or milliseconds since 1970") from error
    if not _EARLIEST_MS <= int(text) <= _LATEST_MS:
        raise InvalidMomentError("it must be in the years 1 to 9999")
    return int(text)
