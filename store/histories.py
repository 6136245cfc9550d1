"""People's histories as of a position, read by person."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from store.event_keys import KeyedHash
from store.in_parts import in_parts
from store.interactions import Interaction
from store.log_entries import EntryKind
from store.log_rows import LOG_ROWS, interaction_of
from store.people import MergedName, PersonHistory
from store.recording import person_ids
from store.schema import DEPARTED_NAMES, LOG, MERGED_NAMES


def read_histories(
    connection: Connection, usernames: Iterable[str], hashes: KeyedHash, *, up_to: int, after: int
) -> Mapping[str, PersonHistory]:
    """The histories of those names that have one or have departed, as ``Histories.histories`` says."""
    names = set(usernames)
    people = person_ids(connection, names)
    interactions, taken_back = _interactions(connection, people.values(), up_to=up_to, after=after)
    merged = _merged_names(connection, people.values(), up_to=up_to, after=after)
    departed = _departures(connection, {name: hashes.person(name) for name in names})
    return {
        name: PersonHistory(
            username=name,
            position=up_to,
            interactions=tuple(interactions[name]),
            taken_back=tuple(taken_back[name]),
            merged=tuple(merged[people[name]]) if name in people else (),
            departed_at=departed.get(name, 0),
        )
        for name in people.keys() | departed.keys()
    }


def _interactions(
    connection: Connection, people: Collection[int], *, up_to: int, after: int
) -> tuple[Mapping[str, list[Interaction]], Mapping[str, list[Interaction]]]:
    """By name: what counts at ``up_to`` and is newer than ``after``; what is older and was taken back in between."""
    counts_now = and_(
        LOG.c.position > after,
        LOG.c.since <= up_to,
        or_(LOG.c.taken_back_at.is_(None), LOG.c.taken_back_at > up_to),
    )
    was_taken_back = and_(LOG.c.position <= after, LOG.c.taken_back_at > after, LOG.c.taken_back_at <= up_to)
    current: dict[str, list[Interaction]] = defaultdict(list)
    taken_back: dict[str, list[Interaction]] = defaultdict(list)
    for part in in_parts(people):
        rows = connection.execute(
            LOG_ROWS.where(
                LOG.c.person.in_(part),
                LOG.c.kind == EntryKind.INTERACTION,
                LOG.c.verb.is_not(None),
                or_(counts_now, was_taken_back),
            ).order_by(LOG.c.moment, LOG.c.position)
        )
        for row in rows:
            (current if row.position > after else taken_back)[row.username].append(interaction_of(row))
    return current, taken_back


def _merged_names(
    connection: Connection, people: Collection[int], *, up_to: int, after: int
) -> Mapping[int, list[MergedName]]:
    found: dict[int, list[MergedName]] = defaultdict(list)
    for part in in_parts(people):
        rows = connection.execute(
            select(MERGED_NAMES.c.person, MERGED_NAMES.c.username, MERGED_NAMES.c.position)
            .where(
                MERGED_NAMES.c.person.in_(part),
                MERGED_NAMES.c.position > after,
                MERGED_NAMES.c.since <= up_to,
                MERGED_NAMES.c.departed_before <= after,  # else what a bundle holds under the name is another's
            )
            .order_by(MERGED_NAMES.c.position)
        )
        for person, username, position in rows:
            found[person].append(MergedName(username=username, position=position))
    return found


def _departures(connection: Connection, keys: Mapping[str, bytes]) -> Mapping[str, int]:
    """When names departed last, at any position: a deletion holds for every reader at once."""
    names = {key: name for name, key in keys.items()}
    return {
        names[bytes(key)]: position
        for part in in_parts(names)
        for key, position in connection.execute(
            select(DEPARTED_NAMES.c.person_key, DEPARTED_NAMES.c.position).where(DEPARTED_NAMES.c.person_key.in_(part))
        )
    }


def rows_of_people(connection: Connection, people: Collection[int], kind: EntryKind) -> list[Row[Any]]:
    """All rows of one kind of some people, by position."""
    return [
        row
        for part in in_parts(people)
        for row in connection.execute(
            LOG_ROWS.where(LOG.c.person.in_(part), LOG.c.kind == kind).order_by(LOG.c.position)
        )
    ]
