"""The service that hosts the user tower, the post tower and the mood encoder."""
