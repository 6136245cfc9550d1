"""The world's fixed calendar: day 0 is fourteen months before the last event, whatever today is."""

from datetime import UTC, datetime, timedelta

_DAY_ZERO = datetime(2025, 9, 1, tzinfo=UTC)


def milliseconds_of(day: float) -> int:
    """Milliseconds since 1970, as posts say it."""
    return int((_DAY_ZERO + timedelta(days=day)).timestamp() * 1000)


def text_of(day: float) -> str:
    """UTC without a zone, as events say it."""
    return (_DAY_ZERO + timedelta(days=day)).strftime("%Y-%m-%d %H:%M:%S")
