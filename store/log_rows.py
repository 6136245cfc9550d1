"""Rows of the log as values: interactions, and entries as a reader of the tail receives them."""

import struct
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, select

from store.driver_sql import driver_rows
from store.in_parts import in_parts
from store.interactions import Interaction, Verb
from store.log_entries import (
    Entry,
    EntryKind,
    InteractionRecorded,
    InteractionsExpired,
    OtherEntry,
    PeopleMerged,
    PersonDeleted,
    PostDeleted,
    PostsEmbedded,
    PostsServed,
    PostUpserted,
    RuleDeleted,
    RuleSet,
    StoreRestored,
    TakenBack,
)
from store.post_rows import embeddings_at, posts_at, rules_at
from store.posts import Post, PostEmbedding
from store.rules import Rule
from store.schema import LOG, MERGED_NAMES, PEOPLE

_ID_BYTES = 8
_VERBS = {int(verb): verb for verb in Verb}

LOG_ROWS: Select[Any] = select(
    LOG.c.position,
    LOG.c.kind,
    PEOPLE.c.username,
    LOG.c.since,
    LOG.c.moment,
    LOG.c.verb,
    LOG.c.post_id,
    LOG.c.external_id,
    LOG.c.watched_share,
    LOG.c.rating_percent,
    LOG.c.event_id,
    LOG.c.feed_id,
    LOG.c.takes_back,
    LOG.c.taken_back_at,
    LOG.c.body,
).join_from(LOG, PEOPLE, LOG.c.person == PEOPLE.c.id, isouter=True)
"""The rows that the functions below read: the log with the name of the person whose the row is now."""


class LogRow(NamedTuple):
    """The same as a value, with the names of the columns."""

    position: int
    kind: int
    username: Any  # a string, None where the row is nobody's
    since: Any
    moment: Any
    verb: Any
    post_id: Any
    external_id: str | None
    watched_share: float | None
    rating_percent: int | None
    event_id: Any
    feed_id: str | None
    takes_back: int | None
    taken_back_at: int | None
    body: Any


AnyRow = LogRow | Row[Any]
_TAIL = f"{LOG_ROWS} WHERE log.position > ? ORDER BY log.position LIMIT ?"


def pack_post_ids(post_ids: Sequence[int]) -> bytes:
    """Post ids as the log keeps them: int64, little-endian."""
    return struct.pack(f"<{len(post_ids)}q", *post_ids)


def unpack_post_ids(body: bytes) -> tuple[int, ...]:
    """The reverse of ``pack_post_ids``."""
    return struct.unpack(f"<{len(body) // _ID_BYTES}q", body)


def rows_after(connection: Connection, position: int, *, limit: int) -> list[LogRow]:
    """The next rows of the log."""
    return [LogRow._make(row) for row in driver_rows(connection, _TAIL, (position, limit))]


def interaction_of(row: AnyRow) -> Interaction:
    """The interaction of a row that has a verb."""
    # By place: a row finds each name anew, and a log has very many rows.
    (
        position,
        _kind,
        username,
        since,
        moment,
        verb,
        post_id,
        external_id,
        watched_share,
        rating_percent,
        event_id,
        feed_id,
        _takes_back,
        taken_back_at,
        _body,
    ) = tuple(row)
    return Interaction(
        position=position,
        since=since,
        username=username,
        verb=_VERBS[verb],
        occurred_at_ms=moment,
        event_id=event_id,
        post_id=post_id,
        external_id=external_id,
        watched_share=watched_share,
        rating_percent=rating_percent,
        feed_id=feed_id,
        taken_back_at=taken_back_at,
    )


def served_of(row: AnyRow) -> PostsServed:
    """What was shown, of a row of that kind."""
    return PostsServed(
        position=row.position,
        since=row.since,
        username=row.username,
        post_ids=unpack_post_ids(bytes(row.body)),
        shown_at_ms=row.moment,
        feed_id=row.feed_id,
    )


def entries_of(connection: Connection, rows: Sequence[AnyRow]) -> tuple[Entry, ...]:
    """The entries of rows of the log, in their order."""
    by_kind: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.kind != EntryKind.INTERACTION:  # most are, and nothing else is read for them
            by_kind[row.kind].append(row.position)

    context = _Context(
        taken_back=_taken_back(connection, [row.takes_back for row in rows if row.takes_back is not None]),
        merges=_merges(connection, by_kind[EntryKind.PEOPLE_MERGED]),
        posts=posts_at(connection, by_kind[EntryKind.POST_UPSERTED]),
        embeddings=embeddings_at(connection, by_kind[EntryKind.POSTS_EMBEDDED]),
        rules=rules_at(connection, by_kind[EntryKind.RULE_SET]),
    )
    return tuple(_READERS.get(row.kind, _other)(row, context) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What the entries of several rows need beside the rows, by the position of a row."""

    taken_back: Mapping[int, TakenBack]
    merges: Mapping[int, str | None]
    posts: Mapping[int, Post]
    embeddings: Mapping[int, tuple[PostEmbedding, ...]]
    rules: Mapping[int, Rule]


def _interaction(row: AnyRow, context: _Context) -> Entry:
    return InteractionRecorded(
        position=row.position,
        username=row.username,
        interaction=None if row.verb is None else interaction_of(row),
        takes_back=None if row.takes_back is None else context.taken_back.get(row.takes_back),
    )


def _served(row: AnyRow, _context: _Context) -> Entry:
    return served_of(row)


def _deleted(row: AnyRow, _context: _Context) -> Entry:
    return PersonDeleted(position=row.position, person_key=bytes(row.body))


def _merged(row: AnyRow, context: _Context) -> Entry:
    return PeopleMerged(
        position=row.position,
        merged=context.merges.get(row.position),
        merged_key=bytes(row.body),
        into=row.username,
    )


def _expired(row: AnyRow, _context: _Context) -> Entry:
    return InteractionsExpired(position=row.position, before_ms=row.moment)


def _restored(row: AnyRow, _context: _Context) -> Entry:
    return StoreRestored(position=row.position)


def _post_upserted(row: AnyRow, context: _Context) -> Entry:
    return PostUpserted(position=row.position, post_id=row.post_id, post=context.posts.get(row.position))


def _post_deleted(row: AnyRow, _context: _Context) -> Entry:
    return PostDeleted(position=row.position, post_id=row.post_id)


def _posts_embedded(row: AnyRow, context: _Context) -> Entry:
    embeddings = context.embeddings.get(row.position, ())
    return PostsEmbedded(position=row.position, bundle_id=_text(row.body), embeddings=embeddings)


def _rule_set(row: AnyRow, context: _Context) -> Entry:
    return RuleSet(position=row.position, name=_text(row.body), rule=context.rules.get(row.position))


def _rule_deleted(row: AnyRow, _context: _Context) -> Entry:
    return RuleDeleted(position=row.position, name=_text(row.body))


def _text(body: bytes) -> str:
    return bytes(body).decode("utf-8")


def _other(row: AnyRow, _context: _Context) -> Entry:
    return OtherEntry(position=row.position, kind=row.kind)


_READERS: dict[int, Callable[[AnyRow, _Context], Entry]] = {
    EntryKind.INTERACTION: _interaction,
    EntryKind.SERVED: _served,
    EntryKind.PERSON_DELETED: _deleted,
    EntryKind.PEOPLE_MERGED: _merged,
    EntryKind.EXPIRED: _expired,
    EntryKind.RESTORED: _restored,
    EntryKind.POST_UPSERTED: _post_upserted,
    EntryKind.POST_DELETED: _post_deleted,
    EntryKind.POSTS_EMBEDDED: _posts_embedded,
    EntryKind.RULE_SET: _rule_set,
    EntryKind.RULE_DELETED: _rule_deleted,
}


_AT_POSITIONS: BindParameter[Any] = bindparam("positions", expanding=True)
_TAKEN_BACK_AT = select(LOG.c.position, LOG.c.verb, LOG.c.post_id, LOG.c.external_id, LOG.c.moment).where(
    LOG.c.position.in_(_AT_POSITIONS)
)
_MERGES_AT = select(MERGED_NAMES.c.position, MERGED_NAMES.c.username).where(MERGED_NAMES.c.position.in_(_AT_POSITIONS))


def _taken_back(connection: Connection, positions: Sequence[int]) -> dict[int, TakenBack]:
    return {
        position: TakenBack(
            position=position, verb=_VERBS[verb], post_id=post_id, external_id=external_id, occurred_at_ms=moment
        )
        for part in in_parts(positions)
        for position, verb, post_id, external_id, moment in connection.execute(_TAKEN_BACK_AT, {"positions": part})
    }


def _merges(connection: Connection, positions: Sequence[int]) -> dict[int, str | None]:
    return {
        position: username
        for part in in_parts(positions)
        for position, username in connection.execute(_MERGES_AT, {"positions": part})
    }
