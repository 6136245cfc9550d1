"""Import of other programs' files: what they are, which column is what, and how they become clean tables."""
