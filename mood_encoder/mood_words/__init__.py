"""Words of moods by language: our own tables."""
