"""The moodfeed command."""
