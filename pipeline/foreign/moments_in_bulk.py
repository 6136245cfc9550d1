"""Read many timestamps: the commonest formats in SQL, every other format with ``accepted_forms.read_moment``.

SQL reads a text only if it gives the same result as that function; a property test compares the two.
"""

import pyarrow as pa
from duckdb import DuckDBPyConnection

from pipeline.accepted_forms import read_moment

_ROWS_AT_ONCE = 100_000
_SHORTEST = 86_400_000  # milliseconds; what is nearer to 1970 is not a moment
_DIGITS = "[1-9][0-9]{8,17}"
_COMPACT = "(19|20)[0-9]{12}"  # 20250920061533, a date that looks like a number
_ISO = (
    r"(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?(Z|\+00(:?00)?)?"
)


def common_moment(text: str) -> str:
    """An expression of milliseconds since 1970 for the commonest forms of ``text``, an expression; else NULL."""
    number = f"TRY_CAST({text} AS BIGINT)"
    decimal = f"TRY_CAST({text} AS DECIMAL(18, 3))"
    microseconds = f"epoch_us(TRY_CAST(regexp_replace({text}, '(Z|[+]00(:?00)?)$', '') AS TIMESTAMP))"
    milliseconds = f"""
    CASE
        WHEN regexp_full_match({text}, '{_DIGITS}') THEN
            CASE
                WHEN length({text}) <= 11 THEN {number} * 1000
                WHEN length({text}) = 14 AND regexp_full_match({text}, '{_COMPACT}') THEN NULL
                WHEN length({text}) <= 14 THEN {number}
                WHEN length({text}) <= 17 THEN {_rounded(number)}
            END
        WHEN regexp_full_match({text}, '[1-9][0-9]{{8,10}}\\.[0-9]{{1,3}}') THEN ({decimal} * 1000)::BIGINT
        WHEN regexp_full_match({text}, '{_ISO}') THEN {_rounded(microseconds)}
    END
    """
    return f"nullif(greatest({milliseconds}, {_SHORTEST - 1}), {_SHORTEST - 1})"


def create_other_moments(connection: DuckDBPyConnection, texts: str) -> None:
    """Create the table other_moments (text, milliseconds) of the distinct texts that a query gives."""
    connection.execute("CREATE TABLE other_moments (text VARCHAR, milliseconds BIGINT)")
    writer = connection.cursor()
    for batch in connection.sql(texts).to_arrow_reader(_ROWS_AT_ONCE):
        words = batch.column(0)
        milliseconds = pa.array([read_moment(word) for word in words.to_pylist()], type=pa.int64())
        read = pa.table({"text": words, "milliseconds": milliseconds})
        writer.register("read", read)
        writer.execute("INSERT INTO other_moments SELECT * FROM read")
        writer.unregister("read")


def _rounded(microseconds: str) -> str:
    """Milliseconds; NULL where half a millisecond would have to be rounded to the even one."""
    return f"CASE WHEN {microseconds} % 1000 <> 500 THEN ({microseconds} + 500) // 1000 END"
