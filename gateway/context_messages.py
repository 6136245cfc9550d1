"""What the user tower answers about a user and a mood, read, and what of it goes on to the post index."""

from gateway.feed_types import FeedContext, RecentHistory, ServedPosts
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.user_tower.v1 import user_tower_pb2


def read_context(answer: user_tower_pb2.EncodeContextResponse) -> FeedContext[embedding_pb2.Embedding]:
    """The context; the embeddings stay messages."""
    return FeedContext(
        user=answer.user_embedding if answer.HasField("user_embedding") else None,
        mood=answer.mood_embedding if answer.HasField("mood_embedding") else None,
        seen_post_ids=answer.seen_post_ids,
        bundle_id=answer.bundle_id,
        mood_unavailable=answer.mood_unavailable,
        mood_not_understood=answer.mood_not_understood,
        position=answer.position if answer.HasField("position") else None,
        changed_position=answer.changed_position,
        not_interested_post_ids=answer.not_interested_post_ids,
        withheld_post_ids=answer.withheld_post_ids,
        served_since_ms=answer.served_since_ms,
        served=_read_served(answer),
        recent=_read_recent(answer),
    )


def _read_served(answer: user_tower_pb2.EncodeContextResponse) -> ServedPosts | None:
    if not answer.HasField("served"):
        return None
    served = answer.served
    return ServedPosts(served.post_ids, served.elsewhere_post_ids, served.read_up_to)


def _read_recent(answer: user_tower_pb2.EncodeContextResponse) -> RecentHistory | None:
    if not answer.HasField("recent_history"):  # of an unknown user, or by a tower of before
        return None
    recent = answer.recent_history
    return RecentHistory(recent.post_ids, recent.count, recent.newest_at_ms)


def write_recent(recent: RecentHistory | None) -> embedding_pb2.RecentHistory | None:
    """The message of what a user met last; None of one who is not known."""
    if recent is None:
        return None
    return embedding_pb2.RecentHistory(post_ids=recent.post_ids, count=recent.count, newest_at_ms=recent.newest_at_ms)
