"""The newest events are known by the log alone; their keys are filed in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Say that the keys of all events so far are filed; no other row changes.

    The tables of keys and of the head get other names, so that a process of an earlier release that still has the store
    open can neither take a repeated event for a new one nor delete rows whose keys are not filed: all its writes fail.
    """
    for column in ("filed_up_to", "filing_up_to"):
        op.add_column("log_head", sa.Column(column, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("log_head", sa.Column("filed_parts", sa.SmallInteger, nullable=False, server_default="0"))
    op.execute("UPDATE log_head SET filed_up_to = position, filing_up_to = position")
    op.rename_table("event_ids", "event_keys")
    op.rename_table("log_head", "head")
