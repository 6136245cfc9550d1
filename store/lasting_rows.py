"""The rows of the log that a reader needs however old they are, for one that begins to read later on."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, and_, or_

from store.in_parts import in_parts
from store.interactions import Interaction, Verb
from store.log_entries import EntryKind, PostsServed
from store.log_rows import LOG_ROWS, interaction_of, served_of
from store.schema import LOG


def read_decisions(connection: Connection, up_to: int) -> tuple[Interaction, ...]:
    """Each NOT_INTERESTED that counted at a position, and the person's likes of the same post; ascending by position.

    No bundle holds them: which of them is the last one decides whether the post is in the person's feeds.
    """
    hidden = connection.execute(LOG_ROWS.where(_counted(up_to), LOG.c.verb == int(Verb.NOT_INTERESTED))).all()
    posts: dict[int, set[tuple[Any, Any]]] = defaultdict(set)
    people = {row.username for row in hidden}
    for row in hidden:
        posts[row.username].add((row.post_id, row.external_id))
    found = [interaction_of(row) for row in hidden]
    likes = LOG_ROWS.where(_counted(up_to), LOG.c.verb.in_([int(Verb.LIKE), int(Verb.INSPIRE)]))
    for part in in_parts(people):
        rows = connection.execute(likes.where(LOG_ROWS.selected_columns.username.in_(part)))
        found += [interaction_of(row) for row in rows if (row.post_id, row.external_id) in posts[row.username]]
    return tuple(sorted(found, key=lambda interaction: interaction.position))


def read_served(connection: Connection, up_to: int, since_ms: int) -> tuple[PostsServed, ...]:
    """What people were shown at ``since_ms`` or later, of the rows up to a position; ascending by position."""
    rows = connection.execute(
        LOG_ROWS.where(LOG.c.kind == EntryKind.SERVED, LOG.c.position <= up_to, LOG.c.moment >= since_ms).order_by(
            LOG.c.position
        )
    )
    return tuple(map(served_of, rows))


def _counted(up_to: int) -> Any:
    return and_(
        LOG.c.kind == EntryKind.INTERACTION,
        LOG.c.position <= up_to,
        or_(LOG.c.taken_back_at.is_(None), LOG.c.taken_back_at > up_to),
    )
