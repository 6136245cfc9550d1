"""Which names departed, and whose a merged name's history is: for what is kept under names outside of the store."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from store.schema import DEPARTED_NAMES, MERGED_NAMES, PEOPLE


def read_departures(connection: Connection) -> Mapping[bytes, int]:
    """The key of each name that was deleted or merged into another, and the position at which it was last."""
    rows = connection.execute(select(DEPARTED_NAMES.c.person_key, DEPARTED_NAMES.c.position))
    return {bytes(key): position for key, position in rows}


def read_merged_names(connection: Connection) -> Mapping[str, str]:
    """The name that each merged name was merged into, for names that had not departed before."""
    rows = connection.execute(
        select(MERGED_NAMES.c.username, PEOPLE.c.username.label("into"))
        .join_from(MERGED_NAMES, PEOPLE, MERGED_NAMES.c.person == PEOPLE.c.id)
        .where(MERGED_NAMES.c.username.is_not(None), MERGED_NAMES.c.departed_before == 0)
    )
    return {merged: into for merged, into in rows}  # noqa: C416 - rows are not pairs to the type checker
