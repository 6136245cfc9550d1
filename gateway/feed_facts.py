"""What an answer says about itself: whether the mood was understood, and up to where in the log it counts."""

from gateway.feed_types import EmbeddingT, FeedContext, FeedRanking, FoundPosts


def understood(context: FeedContext[EmbeddingT]) -> bool | None:
    """Whether the mood of the request says something; None if there is none, or if it could not be read."""
    if context.mood_not_understood:
        return False
    return None if context.mood is None else True


def position_of(found: FoundPosts, position: int | None) -> int:
    """Up to where in the log what people did is taken into account, by the user and by the counts."""
    if found.ranking is not FeedRanking.TRENDING:
        return position or 0
    return found.counted_position if position is None else min(position, found.counted_position)
