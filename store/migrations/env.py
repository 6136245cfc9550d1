"""What Alembic runs: the migrations, over the connection that ``store.versions`` gives it."""

from alembic import context

from store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
