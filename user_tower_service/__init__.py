"""Hosts the user tower, the post tower and the mood encoder of one bundle."""
