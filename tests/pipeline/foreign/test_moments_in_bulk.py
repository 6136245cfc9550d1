"""The moments that SQL reads are those that ``accepted_forms.read_moment`` reads."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accepted_forms import read_moment
from pipeline.foreign.moments_in_bulk import common_moment, create_other_moments
from pipeline.spilling_database import one_row, small_database

MOMENTS = st.datetimes(datetime.fromisoformat("1960-01-01"), datetime.fromisoformat("2200-01-01"))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TEXTS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.integers(10**8, 10**19).map(str),
    st.integers(1_500_000_000_000_000, 1_900_000_000_000_000).map(str),
    st.decimals(0, 10**12, places=3, allow_nan=False).map(str),
    st.floats(0, 1e13, allow_nan=False).map(repr),
    MOMENTS.map(lambda moment: moment.isoformat(" ")),
    MOMENTS.map(lambda moment: moment.isoformat() + "Z"),
    MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds")),
    st.tuples(MOMENTS, ZONES).map(lambda both: both[0].replace(tzinfo=both[1]).isoformat()),
    MOMENTS.map(lambda moment: moment.strftime("%Y%m%d%H%M%S")),
    MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%d")),
    st.from_regex(r"(19|20)\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00(:?00)?)?", fullmatch=True),
    st.text(max_size=20),
)


@settings(deadline=None, max_examples=500)
@given(TEXTS)
def test_what_sql_reads_is_what_the_reader_of_moments_reads(text: str) -> None:
    if "\x00" in text:
        return
    with small_database() as connection:
        (found,) = one_row(connection, f"SELECT {common_moment('t')} FROM (SELECT $1::VARCHAR AS t)", [text])
    assert found in {None, read_moment(text)}


def test_the_commonest_forms_are_read_in_sql() -> None:
    for text in (
        "1758348933", "1758348933123", "1758348933123456", "1758348933.5", "978300760.0", "2025-09-20 06:15:33",
        "2025-09-20T06:15:33Z", "2025-09-20T06:15:33.123Z", "2025-09-20 06:15:33.123456+00:00",
    ):  # fmt: skip
        with small_database() as connection:
            (found,) = one_row(connection, f"SELECT {common_moment('t')} FROM (SELECT $1::VARCHAR AS t)", [text])
        assert found == read_moment(text) is not None, text


def test_every_other_form_is_read_by_the_reader_of_moments() -> None:
    texts = ["Sat, 20 Sep 2025 06:15:33 GMT", "20250920", "2025-09-20T08:15:33+02:00", "never", "0"]
    with small_database() as connection:
        connection.execute("CREATE TABLE texts (text VARCHAR)")
        connection.executemany("INSERT INTO texts VALUES (?)", [(text,) for text in texts])
        create_other_moments(connection, "SELECT text FROM texts")
        found = dict(connection.execute("SELECT text, milliseconds FROM other_moments").fetchall())
    assert found == {text: read_moment(text) for text in texts}
