"""A person's data: given out, deleted, merged into another's, expired. Each function runs inside a transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from store.event_keys import KeyedHash
from store.head import lock_head, move_head, read_head
from store.histories import rows_of_people
from store.log_entries import EntryKind
from store.log_rows import interaction_of, served_of
from store.people import MergedName, PersonExport
from store.recent_events import file_events
from store.recording import person_ids
from store.schema import DEPARTED_NAMES, EVENT_KEYS, LOG, MERGED_NAMES, PEOPLE, RETRACTIONS

_RAW = (EntryKind.INTERACTION, EntryKind.SERVED)


def export_person(connection: Connection, username: str) -> PersonExport | None:
    """Everything that is kept about a person; None if nothing is."""
    person = person_ids(connection, [username]).get(username)
    if person is None:
        return None
    merged = connection.execute(
        select(MERGED_NAMES.c.username, MERGED_NAMES.c.position)
        .where(MERGED_NAMES.c.person == person)
        .order_by(MERGED_NAMES.c.position)
    )
    retracted = connection.execute(
        select(RETRACTIONS.c.event_key).where(RETRACTIONS.c.person == person).order_by(RETRACTIONS.c.position)
    )
    rows = rows_of_people(connection, [person], EntryKind.INTERACTION)
    return PersonExport(
        username=username,
        position=read_head(connection).position,
        interactions=tuple(interaction_of(row) for row in rows if row.verb is not None),
        retracted_event_keys=tuple(bytes(key) for (key,) in retracted),
        served=tuple(served_of(row) for row in rows_of_people(connection, [person], EntryKind.SERVED)),
        merged=tuple(MergedName(username=name, position=position) for name, position in merged),
    )


def delete_person(connection: Connection, username: str, hashes: KeyedHash) -> int:
    """Delete rows and name; the event ids stay as keyed hashes. Gives the position of the entry."""
    head, key = lock_head(connection), hashes.person(username)
    position = head.position + 1
    person = person_ids(connection, [username]).get(username)
    if person is not None:
        file_events(connection, head, LOG.c.person == person)
        connection.execute(delete(LOG).where(LOG.c.person == person, LOG.c.kind.in_(_RAW)))
        connection.execute(delete(RETRACTIONS).where(RETRACTIONS.c.person == person))
        connection.execute(delete(MERGED_NAMES).where(MERGED_NAMES.c.person == person))
        connection.execute(delete(PEOPLE).where(PEOPLE.c.id == person))
    connection.execute(update(MERGED_NAMES).where(MERGED_NAMES.c.username == username).values(username=None))
    _depart(connection, key, position)
    connection.execute(LOG.insert().values(position=position, kind=EntryKind.PERSON_DELETED, body=key))
    move_head(connection, position)
    return position


def merge_people(connection: Connection, merged: str, *, into: str, hashes: KeyedHash) -> int:
    """Make all rows of one person another's. Gives the position of the entry."""
    head, key = lock_head(connection), hashes.person(merged)
    position = head.position + 1
    people = person_ids(connection, [merged, into])
    target, source = people.get(into, position), people.get(merged)
    if into not in people:
        connection.execute(PEOPLE.insert().values(id=target, username=into))
    if source is not None:
        file_events(connection, head, LOG.c.person.in_([source, target]))
        _move_rows(connection, source, target, position)
    departed_before = connection.execute(
        select(DEPARTED_NAMES.c.position).where(DEPARTED_NAMES.c.person_key == key)
    ).scalar_one_or_none()
    connection.execute(
        MERGED_NAMES.insert().values(
            position=position, person=target, since=position, username=merged, departed_before=departed_before or 0
        )
    )
    _depart(connection, key, position)
    connection.execute(LOG.insert().values(position=position, kind=EntryKind.PEOPLE_MERGED, person=target, body=key))
    move_head(connection, position)
    return position


def _move_rows(connection: Connection, source: int, target: int, position: int) -> None:
    connection.execute(
        update(LOG).where(LOG.c.person == source, LOG.c.kind.in_(_RAW)).values(person=target, since=position)
    )
    connection.execute(
        update(LOG).where(LOG.c.person == source).values(person=target)  # merges into the merged person
    )
    connection.execute(
        update(MERGED_NAMES).where(MERGED_NAMES.c.person == source).values(person=target, since=position)
    )
    both = select(RETRACTIONS.c.event_key).where(RETRACTIONS.c.person == target)
    connection.execute(delete(RETRACTIONS).where(RETRACTIONS.c.person == source, RETRACTIONS.c.event_key.in_(both)))
    connection.execute(update(RETRACTIONS).where(RETRACTIONS.c.person == source).values(person=target))
    connection.execute(delete(PEOPLE).where(PEOPLE.c.id == source))
    # What one of the two had taken back in vain, because the event was the other's, is taken back now.
    events = (
        select(EVENT_KEYS.c.position)
        .join(RETRACTIONS, RETRACTIONS.c.event_key == EVENT_KEYS.c.event_key)
        .where(RETRACTIONS.c.person == target)
    )
    connection.execute(
        update(LOG)
        .where(
            LOG.c.position.in_(events), LOG.c.person == target, LOG.c.verb.is_not(None), LOG.c.taken_back_at.is_(None)
        )
        .values(taken_back_at=position)
    )


def _depart(connection: Connection, key: bytes, position: int) -> None:
    connection.execute(delete(DEPARTED_NAMES).where(DEPARTED_NAMES.c.person_key == key))
    connection.execute(DEPARTED_NAMES.insert().values(person_key=key, position=position))


def end_of_part(connection: Connection, after: int, size: int) -> int | None:
    """The position of the last of the next ``size`` rows of the log; None if there are no more."""
    positions = select(LOG.c.position).where(LOG.c.position > after).order_by(LOG.c.position).limit(size).subquery()
    return connection.execute(select(positions.c.position).order_by(positions.c.position.desc()).limit(1)).scalar()


def expire_part(connection: Connection, *, after: int, up_to: int, before_ms: int, is_announced: bool) -> int:
    """Delete what is too old in a part of the log; the first part that deletes adds the entry. Gives the row count."""
    head = lock_head(connection)
    is_old = (LOG.c.position > after, LOG.c.position <= up_to, LOG.c.kind.in_(_RAW), LOG.c.moment < before_ms)
    people = [person for (person,) in connection.execute(select(LOG.c.person).where(*is_old).distinct())]
    if not people:
        return 0
    file_events(connection, head, *is_old)
    deleted = connection.execute(delete(LOG).where(*is_old)).rowcount
    _forget_people_without_rows(connection, people)
    if not is_announced:
        connection.execute(LOG.insert().values(position=head.position + 1, kind=EntryKind.EXPIRED, moment=before_ms))
        move_head(connection, head.position + 1)
    return deleted


def _forget_people_without_rows(connection: Connection, people: Sequence[int]) -> None:
    for person in people:
        if connection.execute(select(LOG.c.position).where(LOG.c.person == person).limit(1)).first() is None:
            connection.execute(delete(RETRACTIONS).where(RETRACTIONS.c.person == person))
            connection.execute(delete(PEOPLE).where(PEOPLE.c.id == person))
