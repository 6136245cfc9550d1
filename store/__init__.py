"""What people do, kept for ever in order: one log with one position, over SQLite or PostgreSQL."""
