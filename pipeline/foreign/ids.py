"""Map names of people and posts, which are any text, to 64-bit ids."""

from duckdb import DuckDBPyConnection

from pipeline.spilling_database import one_row

_LARGEST = 2**63 - 1


def same_id(text: str) -> str:
    """An SQL expression of an id: the text unchanged, except that " 603" and "603.0" become 603."""
    return (
        f"CASE WHEN regexp_full_match({text}, '\\s*[0-9]+([.]0+)?\\s*') "
        f"THEN split_part(trim({text}, ' \t'), '.', 1) ELSE {text} END"
    )


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
