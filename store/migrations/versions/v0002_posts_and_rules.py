"""Posts, their embeddings, and the operators' rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_TEXT = sa.String().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of posts and rules; no row that is there changes."""
    op.create_table(
        "posts",
        sa.Column("post_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False, unique=True),
        sa.Column("external_id", _TEXT),
        sa.Column("content", sa.LargeBinary),
    )
    op.create_index("posts_by_external_id", "posts", ["external_id"])
    op.create_table(
        "post_embeddings",
        sa.Column("post_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bundle_id", _TEXT, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("tower", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("representation", sa.LargeBinary, nullable=False),
    )
    op.create_index("post_embeddings_by_bundle", "post_embeddings", ["bundle_id", "revision"])
    op.create_index("post_embeddings_by_position", "post_embeddings", ["position"])
    op.create_table(
        "rules",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False, unique=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
