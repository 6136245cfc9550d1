"""What a person has been shown since a reader looked: two answers of the same moment never show the same post."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from store.log_entries import EntryKind
from store.log_rows import unpack_post_ids
from store.schema import LOG, MERGED_NAMES

FEED_DIGITS = 16
"""How many characters the feed_ids of all pages of one feed have in common."""


@dataclass(frozen=True, slots=True)
class ShownPage:
    """The posts of one answer, which are the person's since a position, and the feed that the answer is of."""

    since: int
    feed: str
    post_ids: frozenset[int]


def feed_of(feed_id: str | None) -> str:
    """The feed that an answer is of; empty if the answer has no name."""
    return (feed_id or "")[:FEED_DIGITS]


def shown_since(connection: Connection, person: int, position: int) -> list[ShownPage]:
    """What a person has been shown, or has taken over from another in a merge, after a position."""
    merged_at = connection.execute(
        select(func.max(MERGED_NAMES.c.since)).where(MERGED_NAMES.c.person == person)
    ).scalar_one()
    # Only a merge makes older rows somebody's: without one, the index leads to the few new rows.
    first = 0 if merged_at is not None and merged_at > position else position
    rows = connection.execute(
        select(LOG.c.since, LOG.c.feed_id, LOG.c.body).where(
            LOG.c.person == person,
            LOG.c.position > first,
            LOG.c.kind == EntryKind.SERVED,
            LOG.c.since > position,
        )
    )
    return [
        ShownPage(since, feed_of(feed_id), frozenset(unpack_post_ids(bytes(body)))) for since, feed_id, body in rows
    ]
