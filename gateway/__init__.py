"""The public service: makes feeds from the user tower service and the post index service."""
