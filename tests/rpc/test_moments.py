"""Moments in messages and documents."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from rpc.moments import InvalidMomentError, milliseconds_of, read_rfc3339, timestamp_of

EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-05-04T09:30:00Z", 1_777_887_000_000),
        ("2026-05-04T11:30:00.007+02:00", 1_777_887_000_007),
        ("1969-12-31T23:59:59.9999Z", -1),  # down to a whole one, also before 1970
        ("0001-01-01T00:00:00Z", EARLIEST_MS),
        ("9999-12-31T23:59:59.999Z", LATEST_MS),
    ],
)
def test_a_time_with_its_offset_is_read(text: str, milliseconds: int) -> None:
    assert read_rfc3339(text) == milliseconds


@pytest.mark.parametrize("text", ["", "yesterday", "2026-05-04", "2026-05-04T09:30:00", "2026-13-04T09:30:00Z", "5"])
def test_a_time_without_an_offset_or_another_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidMomentError, match="must be a time with its offset"):
        read_rfc3339(text)


@given(st.integers(EARLIEST_MS, LATEST_MS))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert milliseconds_of(timestamp_of(milliseconds)) == milliseconds


def test_messages_that_are_not_dates_are_read_and_not_written() -> None:
    assert milliseconds_of(Timestamp(seconds=10**15, nanos=5_000_000)) == 10**18 + 5
    with pytest.raises(ValueError, match="Seconds 253402300800 must be in range"):
        timestamp_of(LATEST_MS + 1)
