"""Prequential evaluation: replay the log, and rank at each moment with only what was known before it."""
