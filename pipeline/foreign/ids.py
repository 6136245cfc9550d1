"""Map names of people and posts, which are any text, to 64-bit ids."""

from duckdb import DuckDBPyConnection

from pipeline.spilling_database import one_row, text_literal

NO_SINGLE_VALUE = "an id that is a list or holds the end of a line"
_LARGEST = 2**63 - 1
# How programs write that there is no value: MySQL, SQL, JavaScript, Python, pandas, R and Excel. "NA" counts only in
# capitals, as R writes it; the others count in any case.
_MISSING = ("\\n", "null", "none", "nan", "-nan", "nat", "n/a", "#n/a", "<na>", "undefined")
BLANKS = (
    "".join(
        character
        for character in map(chr, range(0x3001))
        if character.isspace() and character not in "\x1c\x1d\x1e\x1f"
    )
    + "\u200b\ufeff"
)  # the separators of ASCII are no blanks: one marks the elements of a list


def same_id(text: str) -> str:
    """An SQL expression of an id: the text without blanks around it, "603" for "603.0", NULL for a missing value."""
    stripped = f"trim({text}, {text_literal(BLANKS)})"
    missing = ", ".join(map(text_literal, _MISSING))
    is_plain = f"regexp_full_match({text}, '[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*')"  # ten times as fast as the rest
    return (
        f"CASE WHEN {is_plain} THEN {text} WHEN {stripped} IN ('', 'NA') OR lower({stripped}) IN ({missing}) THEN NULL "
        f"WHEN regexp_full_match({stripped}, '[0-9]+[.]0+') THEN split_part({stripped}, '.', 1) ELSE {stripped} END"
    )


def no_single_value(text: str) -> str:
    """An SQL expression: whether an id is a list or holds the end of a line."""
    return f"regexp_matches({text}, '[\\n\\r\\x1f]')"


def is_single_value(text: str) -> bool:
    """Whether an id is no list and holds no end of a line."""
    return not {"\n", "\r", "\x1f"} & set(text)


def number_names(connection: DuckDBPyConnection, names: str, table: str) -> bool:
    """Create a table (name, number, is_number) of the distinct names that a query gives, none of them null.

    A name that is an integer of 64 bits keeps it. Others get the numbers after the largest integer, in the order of
    their code points, so that the same names always get the same numbers. Returns whether every name is its number.
    """
    connection.execute(
        f"CREATE TABLE {table} AS SELECT name, "
        "CASE WHEN regexp_full_match(name, '0|[1-9][0-9]{0,18}') THEN TRY_CAST(name AS BIGINT) END AS kept "
        f"FROM (SELECT DISTINCT name FROM ({names}))"
    )
    largest, others = one_row(connection, f"SELECT coalesce(max(kept), 0), count(*) - count(kept) FROM {table}")
    if largest + others > _LARGEST:
        connection.execute(f"UPDATE {table} SET kept = NULL")
        largest = 0
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT name, kept AS number, true AS is_number FROM {table} "
        "WHERE kept IS NOT NULL UNION ALL "
        f"SELECT name, {largest} + row_number() OVER (ORDER BY name), false FROM {table} WHERE kept IS NULL"
    )
    (is_all,) = one_row(connection, f"SELECT coalesce(bool_and(is_number), true) FROM {table}")
    return bool(is_all)
