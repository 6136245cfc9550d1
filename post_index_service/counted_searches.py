"""Which counts of the log a search needs, and what one by user is blended of."""

from dataclasses import dataclass

from bundle.blend import LAST_POSTS
from bundle.embedding_space import Vector
from post_index_service.layer import LayerPart
from post_index_service.living_shares import Blended, BlendedPosts
from post_index_service.named_rows import NamedRows
from post_index_service.query import Query
from post_index_service.trends import Epoch, Trends


@dataclass(frozen=True, slots=True)
class CountedSearches:
    """The searches of one bundle; ``posts`` are None if its order by user is that of the inner product."""

    trends: Trends
    posts: BlendedPosts | None
    names: NamedRows

    def epoch(self, query: Query, user: Vector | None, mood: Vector | None) -> Epoch | None:
        """The counts that the ranking needs, None if it needs none; by user, a first page waits for none.

        Raises CountsNotHeldError, and by trend PositionNotReachedError.
        """
        if mood is not None:
            return None
        if user is None:
            if not query.trending:
                return None
            return self.trends.epoch(
                as_of=query.counted_position, at_least=query.at_least_position, seconds=query.seconds
            )
        is_similar = query.similar_to_post_id is not None or query.similar_to_external_id
        if self.posts is None or is_similar or not query.may_blend:
            return None
        if query.counted_position is None:
            return self.trends.current()
        return self.trends.epoch(as_of=query.counted_position, seconds=query.seconds)

    def blended(self, query: Query, part: LayerPart, epoch: Epoch) -> Blended | None:
        """What a search by user is blended of; None if the bundle does not blend."""
        posts = self.posts
        if posts is None:
            return None
        recent = query.recent_history
        last = list(recent.post_ids)[-LAST_POSTS:]
        numbers = self.names.numbers_of(last)
        living = posts.at(epoch)
        person = living.person(
            categories=part.categories_of(last, numbers, posts.category_ids),
            newest_post=numbers[-1] if numbers else None,
            newest_at_ms=recent.newest_at_ms,
            history_length=max(recent.count, 0),
        )
        return Blended(living, person)
