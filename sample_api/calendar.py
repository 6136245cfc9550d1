"""The world's fixed calendar: day 0 is fourteen months before the last event, independent of today's date."""

from datetime import UTC, datetime, timedelta

_DAY_ZERO = datetime(2025, 9, 1, tzinfo=UTC)


def moment_of(day: float) -> datetime:
    """The moment, UTC."""
    return _DAY_ZERO + timedelta(days=day)


def milliseconds_of(day: float) -> int:
    """Milliseconds since 1970, the format of posts."""
    return int(moment_of(day).timestamp() * 1000)


def text_of(day: float) -> str:
    """UTC without a zone, the format of events."""
    return moment_of(day).strftime("%Y-%m-%d %H:%M:%S")
