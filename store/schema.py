"""The tables, alike in SQLite and PostgreSQL: the log, and what is derived from it.

A change here is a new file in ``migrations/versions`` and a new SCHEMA_VERSION.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.dialects import postgresql

SCHEMA_VERSION = "0003"
"""The revision of the newest file in ``migrations/versions``; a test holds them equal."""

METADATA = MetaData()
# Names are compared byte by byte in both databases, whatever the locale of the server.
_TEXT = String().with_variant(postgresql.TEXT(collation="C"), "postgresql")

LOG_HEAD = Table(  # one row; a writer locks it first, so positions are given in the order of the commits
    "head",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("restored_at", BigInteger, nullable=False),  # the position of the last restore, 0 if there was none
    # What store.recent_events has filed: all events up to filed_up_to, and some parts of those up to filing_up_to.
    Column("filed_up_to", BigInteger, nullable=False, server_default="0"),
    Column("filing_up_to", BigInteger, nullable=False, server_default="0"),
    Column("filed_parts", SmallInteger, nullable=False, server_default="0"),
)

LOG = Table(
    "log",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),  # EntryKind
    Column("person", BigInteger),  # people.id
    Column("since", BigInteger),  # the position since which the row is this person's
    Column("moment", BigInteger),  # milliseconds since 1970: occurred at, shown at, expired before
    Column("verb", SmallInteger),
    Column("post_id", BigInteger),
    Column("external_id", _TEXT),
    Column("watched_share", Double),
    Column("rating_percent", SmallInteger),
    Column("event_id", _TEXT),
    Column("feed_id", _TEXT),
    Column("takes_back", BigInteger),  # the position of the row that this one takes back
    Column("taken_back_at", BigInteger),  # the position of the row that took this one back
    # The key of the event; post ids that were shown (int64, little-endian); the key of a departed name; the name of
    # a bundle or a rule.
    Column("body", LargeBinary),
    Index("log_by_person", "person", "position"),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # the position at which the person came
    Column("username", _TEXT, nullable=False, unique=True),
)

EVENT_KEYS = Table(  # of every event ever recorded but the newest (store.recent_events); outlives the rows
    "event_keys",
    METADATA,
    Column("event_key", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

RETRACTIONS = Table(  # which events a person has taken back, also events that have not come yet
    "retractions",
    METADATA,
    Column("event_key", LargeBinary, primary_key=True),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Index("retractions_by_person", "person"),
    sqlite_with_rowid=False,
)

MERGED_NAMES = Table(  # names that were merged into a person
    "merged_names",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),  # the position since which they are this person's
    Column("username", _TEXT),  # null if the name was deleted since
    Column("departed_before", BigInteger, nullable=False),  # the name's earlier departure, 0 if there is none
    Index("merged_names_by_person", "person"),
    Index("merged_names_by_username", "username"),
)

DEPARTED_NAMES = Table(  # names that were deleted or merged into another, and when last
    "departed_names",
    METADATA,
    Column("person_key", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

POSTS = Table(  # the newest revision of each post, also of a deleted one
    "posts",
    METADATA,
    Column("post_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False, unique=True),  # of the upsert or the deletion
    Column("external_id", _TEXT),  # a deleted post keeps it, so that an upsert brings it back under its id
    Column("content", LargeBinary),  # JSON in UTF-8; null if the post is deleted
    Index("posts_by_external_id", "external_id"),
)

POST_EMBEDDINGS = Table(  # of the newest revisions alone
    "post_embeddings",
    METADATA,
    Column("post_id", BigInteger, primary_key=True, autoincrement=False),
    Column("bundle_id", _TEXT, primary_key=True),
    Column("revision", BigInteger, nullable=False),  # posts.position
    Column("position", BigInteger, nullable=False),  # of the log entry that brought it
    Column("tower", LargeBinary, nullable=False),  # float32, little-endian
    Column("text", LargeBinary, nullable=False),  # float16, little-endian
    Column("representation", LargeBinary, nullable=False),  # float32, little-endian; what histories are made of
    Index("post_embeddings_by_bundle", "bundle_id", "revision"),
    Index("post_embeddings_by_position", "position"),
)

RULES = Table(
    "rules",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),  # of the log entry that set it
    Column("content", LargeBinary, nullable=False),  # JSON in UTF-8
)

FACTS = Table(  # "key": the secret of the keyed hashes
    "facts",
    METADATA,
    Column("name", _TEXT, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
