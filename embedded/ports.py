"""The gateway's two ports, answered in this process by the encoder and the index of one held bundle."""

from dataclasses import dataclass

from bundle.embedding_space import Embedding
from bundle.held_bundles import BundleNotHeldError, HeldBundles
from compute.recent_history import NO_HISTORY, RecentHistory
from gateway import feed_types
from post_index_service.exploration import Exploration
from post_index_service.filters import Filters
from post_index_service.index import PostIndex
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.packed_posts import PackedPosts
from post_index_service.query import Query
from post_index_service.search_errors import CategoryNotFoundError, PostNotFoundError
from post_index_service.trends import CountsNotHeldError
from post_index_service.trends import PositionNotReachedError as NotCountedError
from user_tower_service.encoder import Encoder
from user_tower_service.people_store import PeopleStore, PositionNotReachedError
from user_tower_service.shown_posts import ServedWish


@dataclass(frozen=True, slots=True)
class Models:
    """The encoder and the index of one bundle."""

    encoder: Encoder
    index: PostIndex

    @property
    def bundle_id(self) -> str:
        """The bundle that both were made from."""
        return self.encoder.bundle_id


class LocalContextEncoder:
    """A ContextEncoder whose coroutines never wait, except for the log of ``people`` to be read."""

    def __init__(self, held: HeldBundles[Models], people: PeopleStore) -> None:
        self._held = held
        self._people = people

    async def encode_context(
        self,
        username: str,
        mood: str,
        *,
        bundle_id: str,
        seconds: float,
        log: feed_types.LogWish = feed_types.NO_WISH,
    ) -> feed_types.FeedContext[Embedding]:
        """Embed a user and a mood; once begun, it is finished."""
        _check_time(seconds)
        encoder = _named(self._held, bundle_id).encoder
        try:
            self._people.catch_up(at_least=log.at_least, wanted=log.wanted, seconds=seconds)
        except PositionNotReachedError as error:
            raise feed_types.PositionNotReachedError(str(error)) from error
        encoded = encoder.encode_context(
            username, mood, as_of=log.as_of, served=ServedWish(log.served_since_ms, log.feed)
        )
        served, recent = encoded.served, encoded.recent
        return feed_types.FeedContext(
            user=encoded.user,
            mood=encoded.mood,
            seen_post_ids=encoded.seen_post_ids,
            bundle_id=encoder.bundle_id,
            mood_unavailable=encoded.mood_unavailable,
            mood_not_understood=encoded.mood_not_understood,
            position=encoded.position,
            changed_position=encoded.changed_position,
            not_interested_post_ids=encoded.not_interested_post_ids,
            withheld_post_ids=encoded.withheld_post_ids,
            served_since_ms=encoded.served_since_ms,
            served=None
            if served is None
            else feed_types.ServedPosts(served.post_ids, served.elsewhere_post_ids, served.read_up_to),
            recent=None
            if recent is None
            else feed_types.RecentHistory(recent.post_ids, recent.count, recent.newest_at_ms),
        )


class LocalPostSearch:
    """A PostSearch whose coroutines never wait."""

    def __init__(self, held: HeldBundles[Models]) -> None:
        self._held = held
        self._packed = PackedPosts()

    async def search_posts(self, search: feed_types.Search[Embedding], *, seconds: float) -> feed_types.FoundPosts:
        """Rank posts."""
        _check_time(seconds)
        context, similar_to = search.context, search.similar_to
        index = _named(self._held, context.bundle_id).index
        try:
            found = index.search(
                Query(
                    user=context.user,
                    mood=context.mood,
                    category_id=search.category_id,
                    exclude_post_ids=search.exclude_post_ids,
                    exclude_external_ids=search.exclude_external_ids,
                    seen_post_ids=context.seen_post_ids,
                    not_interested_post_ids=context.not_interested_post_ids,
                    withheld_post_ids=context.withheld_post_ids,
                    offset=search.offset,
                    limit=search.limit,
                    trending=search.trending,
                    counted_position=search.counted_position,
                    at_least_position=search.at_least_position,
                    posts_position=search.posts_position,
                    rules_moment_ms=search.rules_moment_ms,
                    similar_to_post_id=similar_to.post_id if similar_to and similar_to.post_id else None,
                    similar_to_external_id=similar_to.external_id if similar_to and not similar_to.post_id else "",
                    seconds=seconds,
                    filters=_filters_of(search.filters),
                    diversity=search.diversity,
                    most_per_owner=search.most_per_owner,
                    explain=search.explain,
                    exploration=_exploration_of(search),
                    recent_history=_recent_of(context.recent),
                )
            )
        except CategoryNotFoundError as error:
            raise feed_types.CategoryNotFoundError from error
        except PostNotFoundError as error:
            raise feed_types.PostNotFoundError from error
        except CountsNotHeldError as error:
            raise feed_types.CountsNotHeldError(str(error)) from error
        except PostsNotHeldError as error:
            raise feed_types.PostsNotHeldError(str(error)) from error
        except NotCountedError as error:
            raise feed_types.PositionNotReachedError(str(error)) from error
        return feed_types.FoundPosts(
            posts=self._packed.of(index, found),
            has_more=found.has_more,
            ranking=feed_types.FeedRanking[found.ranking.name],
            bundle_id=index.bundle_id,
            current_bundle_id=self._held.current.bundle_id,
            counted_position=found.counted_position,
            posts_position=found.posts_position,
            rules_moment_ms=found.rules_moment_ms,
        )

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[feed_types.FeedCategory, ...]:
        """List all valid categories."""
        _check_time(seconds)
        return tuple(
            feed_types.FeedCategory(item.category.category_id, item.category.name, item.post_count)
            for item in _named(self._held, bundle_id).index.categories()
        )


def _named(held: HeldBundles[Models], bundle_id: str) -> Models:
    try:
        return held.named(bundle_id)
    except BundleNotHeldError as error:
        raise feed_types.BundleNotHeldError(str(error), **error.metadata) from error


def _filters_of(filters: feed_types.Filters) -> Filters:
    return Filters(
        category_ids=filters.category_ids,
        excluded_category_ids=filters.excluded_category_ids,
        excluded_owner_usernames=filters.excluded_owner_usernames,
        created_after_ms=filters.created_after_ms,
        languages=filters.languages,
    )


def _recent_of(recent: feed_types.RecentHistory | None) -> RecentHistory:
    return NO_HISTORY if recent is None else RecentHistory(recent.post_ids, recent.count, recent.newest_at_ms)


def _exploration_of(search: feed_types.Search[Embedding]) -> Exploration | None:
    return Exploration(search.exploration_share, search.exploration_seed) if search.exploration_share else None


def _check_time(seconds: float) -> None:
    if seconds <= 0:
        raise feed_types.DeadlineExceededError("the deadline of the request passed")
