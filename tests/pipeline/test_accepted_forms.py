"""Every honest form of the same value reads the same; what is no value reads as None and raises nothing."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accepted_forms import (
    MOST_COUNTED,
    is_absent,
    read_counter,
    read_flag,
    read_id,
    read_moment,
    read_number,
)

READERS = (read_flag, read_id, read_number, read_counter, read_moment)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
MOMENTS = st.integers(2**37, 2**41).map(  # from 1974 to 2039
    lambda number: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)
)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SPACES = st.sampled_from(["", " ", "\n", "\t "])


def milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(JSON)
def test_no_value_of_json_raises(value: object) -> None:
    for read in READERS:
        read(value)
    is_absent(value)


@given(
    st.sampled_from(
        [
            (True, [True, 1, 1.0, "1", "true", "yes", "y", "on", "1.0"]),
            (False, [False, 0, 0.0, "0", "false", "no", "n", "off"]),
        ]
    ),
    st.data(),
    SPACES,
)
def test_every_form_of_a_flag_reads_the_same(forms: tuple[bool, list[object]], data: st.DataObject, space: str) -> None:
    meant, written = forms
    value = data.draw(st.sampled_from(written))
    assert read_flag(value) is meant
    if isinstance(value, str):
        assert read_flag(space + value.upper() + space) is meant


@pytest.mark.parametrize("value", [None, "", "  ", "maybe", 2, -1, 0.5, float("nan"), [], {}, [True]])
def test_what_is_no_flag_is_neither_yes_nor_no(value: object) -> None:
    assert read_flag(value) is None


@given(st.integers(-(2**63) + 1, 2**63 - 1), SPACES)
def test_every_form_of_an_id_reads_the_same(number: int, space: str) -> None:
    assert read_id(number) == number
    assert read_id(f"{space}{number}{space}") == number
    assert read_id(f"{number}.0") == number
    assert read_id(f"{number:+d}") == number
    if abs(number) < 2**53:
        assert read_id(float(number)) == number


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "x7",
        "1_000",
        "٣",
        1.5,
        "1.5",
        2**63,
        -(2**63),
        "9" * 30,
        "1e999",
        2.0**53,
        float("nan"),
        float("inf"),
        1e300,
        [],
        {},
        "NaN",
        "Infinity",
        "0x10",
    ],
)
def test_what_is_no_id_is_none(value: object) -> None:
    assert read_id(value) is None


@given(MOMENTS, ZONES, SPACES)
def test_every_form_of_a_moment_reads_the_same(moment: datetime, zone: timezone, space: str) -> None:
    meant = milliseconds(moment)
    plain = moment.replace(tzinfo=None)
    there = moment.astimezone(zone)
    forms: list[object] = [
        meant,
        float(meant),
        meant / 1000,
        meant * 1000,
        meant * 1_000_000,
        f"{meant}",
        f"{meant / 1000:.3f}",
        f"{meant * 1000}",
        plain.isoformat(),
        plain.isoformat(" "),
        plain.isoformat(" ").replace("-", "/"),
        plain.isoformat() + "Z",
        plain.isoformat().lower() + "z",
        plain.isoformat(" ", "microseconds"),
        plain.isoformat(" ") + " UTC",
        there.isoformat(),
        there.isoformat(" "),
        there.strftime("%Y-%m-%d %H:%M:%S.%f %z"),
    ]
    if not meant % 1000:
        forms += [meant // 1000, f"{meant // 1000}", f"{plain:%Y%m%d%H%M%S}", format_datetime(moment)]
    for form in forms:
        assert read_moment(form) == meant, form
        if isinstance(form, str):
            assert read_moment(space + form + space) == meant, form


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2025-09-20T06:15:33Z", "2025-09-20 06:15:33"),
        ("2025-09-20T06:15:33.25+02:00", "2025-09-20 04:15:33.250"),
        ("2025-09-20 06:15:33.123456789", "2025-09-20 06:15:33.123"),
        ("2025-09-20", "2025-09-20 00:00:00"),
        ("20250920", "2025-09-20 00:00:00"),
        (1758348933, "2025-09-20 06:15:33"),
        ("1758348933.5", "2025-09-20 06:15:33.500"),
        (1.758348933e12, "2025-09-20 06:15:33"),
        ("Sat, 20 Sep 2025 06:15:33 GMT", "2025-09-20 06:15:33"),
        ("Sat Sep 20 08:15:33 +0200 2025", "2025-09-20 06:15:33"),
        ("2025/9/5 6:15", "2025-09-05 06:15:00"),
        ("2025.9.5", "2025-09-05 00:00:00"),
        ("20 Sep 2025", "2025-09-20 00:00:00"),
        ("September 20, 2025", "2025-09-20 00:00:00"),
    ],
)
def test_the_forms_that_platforms_write_are_read(value: object, day: str) -> None:
    assert read_moment(value) == milliseconds(datetime.fromisoformat(day).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "yesterday",
        0,
        0.0,
        "0",
        "1970-01-01",
        "1970-01-01 00:00:00",
        "0000-00-00 00:00:00",
        10**21,
        float("nan"),
        float("inf"),
        1e300,
        "2025-13-01",
        "2025-02-30 00:00:00",
        "2025-9-31",
        "9/5/2025",
        "may",
        "NaT",
        [],
        {},
    ],
)
def test_what_is_no_moment_is_none(value: object) -> None:
    assert read_moment(value) is None


@given(st.integers(0, MOST_COUNTED))
def test_every_form_of_a_counter_reads_the_same(number: int) -> None:
    for form in (number, float(number), str(number), f"{number}.0"):
        assert read_counter(form) == (number, False)


@pytest.mark.parametrize("value", [2**64, 1e300, float("inf"), "1e300", 10**400, MOST_COUNTED + 1])
def test_a_counter_that_is_too_large_is_clipped(value: object) -> None:
    assert read_counter(value) == (MOST_COUNTED, True)


@pytest.mark.parametrize("value", [-1, -1e300, -float("inf"), "-3"])
def test_a_counter_below_zero_is_clipped(value: object) -> None:
    assert read_counter(value) == (0, True)


@pytest.mark.parametrize("value", [None, True, "many", "", float("nan"), [], {}])
def test_what_is_no_counter_is_none(value: object) -> None:
    assert read_counter(value) is None
