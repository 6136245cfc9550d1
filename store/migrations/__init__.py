"""The migrations of the store's tables, run by Alembic: `moodfeed store migrate`."""
