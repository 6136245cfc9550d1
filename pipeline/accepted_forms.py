"""Read flags, ids, moments and counters in every form that a program honestly writes them in.

Each reader returns None for a value that is not one. None, an empty text and an absent key are the same: no value.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from email.utils import parsedate_to_datetime
from math import isfinite

MOMENTS_SUCH_AS = "1758348933, 2025-09-20 06:15:33 or 20 Sep 2025"  # for messages about a text that is no moment
MOST_COUNTED = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
_EXACT_FLOAT = 2.0**53
_LARGEST_ID = 2**63
_YES = frozenset({"true", "yes", "y", "t", "on", "1", "1.0"})
_NO = frozenset({"false", "no", "n", "f", "off", "0", "0.0"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?")
_COMPACT_MOMENT = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|[zZ])$")
_UNPADDED = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:([Tt ]+)([0-9]{1,2})(:.*))?")
_NAMED_MONTH = re.compile(r"[0-9 ,.-]*[A-Za-z]{3,9}[0-9 ,.-]*")
_DAY_OF_NAMED_MONTH = re.compile(r"([0-9]{1,2})[-/.]([A-Za-z]{3,9})[-/.]([0-9]{4})(?![0-9])[:T]?")
_HALF_OF_DAY = re.compile(r"(?<![A-Za-z])([ap])\.?m\.?(?![A-Za-z])", re.IGNORECASE)
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-][0-9]{2}(?::?[0-9]{2})?$)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 60 * 60 * 1000  # milliseconds
_UNSET = 24 * 60 * 60 * 1000  # milliseconds: zero in any time zone is how programs write that a moment is not set
_START_OF_TIME = -62_135_596_800_000  # the year 1, which is how Go and .NET write the same
_END_OF_TIME = 253_402_300_800_000  # the year 10000 in milliseconds, where datetime ends
_UNITS = (  # the first number of each unit that is too large, and the unit's milliseconds
    (10**11, Decimal(1000)),  # seconds, up to the year 5138
    (10**14, Decimal(1)),
    (10**17, Decimal("1e-3")),
    (10**20, Decimal("1e-6")),
)


def is_absent(value: object) -> bool:
    """Whether a field holds nothing: null, or a text without characters."""
    return value is None or (isinstance(value, str) and not value.strip())


def read_flag(value: object) -> bool | None:
    """A flag written as true or false, 1 or 0, or one of the words yes, no, on, off, t, f, y, n in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in {0, 1} else None
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _YES else False if word in _NO else None
    return None


def read_id(value: object) -> int | None:
    """An integer of 64 bits: 603, 603.0, "603" and "603.0" are the same id; a float must be exact."""
    if isinstance(value, float) and not abs(value) < _EXACT_FLOAT:
        return None
    number = _decimal(value)
    if number is None or number.adjusted() > 19 or number != number.to_integral_value():
        return None
    return int(number) if abs(number) < _LARGEST_ID else None


def read_number(value: object) -> float | None:
    """A finite number, or a text that holds one."""
    number = _decimal(value)
    if number is None:
        return None
    try:
        read = float(number)
    except OverflowError:
        return None
    return read if isfinite(read) else None


def read_counter(value: object) -> tuple[int, bool] | None:
    """A count as an integer in 0..MOST_COUNTED, and whether it had to be clipped to that range."""
    if isinstance(value, float) and value in {float("inf"), -float("inf")}:
        return (MOST_COUNTED if value > 0 else 0), True
    number = _decimal(value)
    if number is None:
        return None
    if number < 0:
        return 0, True
    if number > MOST_COUNTED:
        return MOST_COUNTED, True
    return int(number), False


def read_moment(value: object) -> int | None:
    """Milliseconds since 1970, UTC.

    Numbers, and texts that hold one, are seconds, milliseconds, microseconds or nanoseconds since 1970; which of them
    follows from the magnitude. Other texts are dates of ISO 8601 (with a space or a T, a fraction, an offset or Z; also
    2025/9/5) or of RFC 5322 (also without a clock); without an offset they are UTC. Zero and the year 1, which mean
    "not set", are not moments, nor is 9/5/2025, which is another day in another country.
    """
    if isinstance(value, str):
        text = value.strip()
        moment = _of_compact_text(text)
        if moment is None:
            number = _decimal(text)
            moment = _of_text(text) if number is None else _of_number(number)
    else:
        number = _decimal(value)
        moment = None if number is None else _of_number(number)
    if moment is None or abs(moment) < _UNSET or moment < _START_OF_TIME + _UNSET or moment >= _END_OF_TIME:
        return None
    return moment


def _decimal(value: object) -> Decimal | None:
    """The number that a value is or holds as a text; None for booleans and for what is not finite."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip()):
        return Decimal(text)
    return None


def _of_number(number: Decimal) -> int | None:
    for bound, unit in _UNITS:
        if abs(number) < bound:
            return int((number * unit).to_integral_value(ROUND_HALF_EVEN))
    return None


def _of_compact_text(text: str) -> int | None:
    """A date such as 20250920 or 20250920061533, which would be a strange number of seconds."""
    form = _COMPACT_MOMENT.get(len(text))
    if form is None or not text.isascii() or not text.isdigit() or text[:2] not in {"19", "20"}:
        return None
    try:
        return _milliseconds(datetime.strptime(text, form).replace(tzinfo=UTC))
    except ValueError:
        return None


def _of_text(text: str) -> int | None:
    if half := _HALF_OF_DAY.search(text):
        return None if text[half.end() :].strip() else _of_half_day(text[: half.start()].rstrip(), half[1].lower())
    text = _DAY_OF_NAMED_MONTH.sub(r"\1 \2 \3 ", text).strip()
    iso = _SPACE_BEFORE_OFFSET.sub("", _ZONE_NAME.sub("+00:00", text)).upper()
    if parts := _UNPADDED.fullmatch(iso):
        year, month, day, _, hour, rest = parts.groups()
        iso = f"{year}-{month:0>2}-{day:0>2}" + (f"T{hour:0>2}{rest}" if hour else "")
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        try:
            moment = parsedate_to_datetime(f"{text} 00:00" if _NAMED_MONTH.fullmatch(text) else text)
        except (ValueError, IndexError):
            return None
    return _milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _of_half_day(text: str, half: str) -> int | None:
    """A moment with a clock of 12 hours; ``half`` is a or p."""
    moment = _of_text(text)
    if moment is None:
        return None
    hour = moment // _HOUR % 24
    if not 1 <= hour <= 12:
        return None
    return moment + (hour % 12 + (12 if half == "p" else 0) - hour) * _HOUR


def _milliseconds(moment: datetime) -> int:
    microseconds = Decimal((moment - _EPOCH) // _MICROSECOND)
    return int((microseconds / 1000).to_integral_value(ROUND_HALF_EVEN))
