"""Text in, unit vector out: the BERT that embeds moods and posts."""
