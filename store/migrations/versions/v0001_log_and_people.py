"""The log, the people, and what is derived from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_TEXT = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the first version."""
    op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("restored_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "log",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("person", sa.BigInteger),
        sa.Column("since", sa.BigInteger),
        sa.Column("moment", sa.BigInteger),
        sa.Column("verb", sa.SmallInteger),
        sa.Column("post_id", sa.BigInteger),
        sa.Column("external_id", _TEXT),
        sa.Column("watched_share", sa.Double),
        sa.Column("rating_percent", sa.SmallInteger),
        sa.Column("event_id", _TEXT),
        sa.Column("feed_id", _TEXT),
        sa.Column("takes_back", sa.BigInteger),
        sa.Column("taken_back_at", sa.BigInteger),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index("log_by_person", "log", ["person", "position"])
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("username", _TEXT, nullable=False, unique=True),
    )
    op.create_table(
        "event_ids",
        sa.Column("event_key", sa.LargeBinary, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retractions",
        sa.Column("event_key", sa.LargeBinary, primary_key=True),
        sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("retractions_by_person", "retractions", ["person"])
    op.create_table(
        "merged_names",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("person", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("username", _TEXT),
        sa.Column("departed_before", sa.BigInteger, nullable=False),
    )
    op.create_index("merged_names_by_person", "merged_names", ["person"])
    op.create_index("merged_names_by_username", "merged_names", ["username"])
    op.create_table(
        "departed_names",
        sa.Column("person_key", sa.LargeBinary, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "facts",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    # The only values that the tables begin with; the key of the keyed hashes is made by store.versions.
    op.execute("INSERT INTO log_head (id, position, restored_at) VALUES (1, 0, 0)")
