"""What a person met last, as the user tower tells it to the post index."""

from collections.abc import Sequence
from dataclasses import dataclass

from moodfeed.embedding.v1 import embedding_pb2


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """``post_ids`` are the newest posts that the person met, newest last; ``count`` is that of the whole history.

    ``newest_at_ms`` is the moment of the newest interaction, in milliseconds since 1970, 0 if it is not known.
    """

    post_ids: Sequence[int] = ()
    count: int = 0
    newest_at_ms: int = 0


NO_HISTORY = RecentHistory()


def write_recent_history(recent: RecentHistory) -> embedding_pb2.RecentHistory:
    """The message of a recent history."""
    return embedding_pb2.RecentHistory(post_ids=recent.post_ids, count=recent.count, newest_at_ms=recent.newest_at_ms)


def read_recent_history(message: embedding_pb2.RecentHistory) -> RecentHistory:
    """The recent history in a message."""
    return RecentHistory(message.post_ids, message.count, message.newest_at_ms)
