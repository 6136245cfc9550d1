"""The public face: combines user tower and post index into feeds."""
