"""What a feed is asked and answers, what it needs from other services, and how it fails.

``EmbeddingT`` is the form in which embeddings travel from the context encoder to the post search: messages in the
gateway, arrays in the one-process mode. A feed never looks inside one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, Protocol, TypeVar

DEFAULT_PAGE_SIZE = 10
LARGEST_PAGE_SIZE = 100
LONGEST_MOOD = 512  # code points
MOST_EXCLUSIONS = 1000
MOST_FILTERED_CATEGORIES = 100
MOST_EXCLUDED_OWNERS = 100
MOST_LANGUAGES = 20

EmbeddingT = TypeVar("EmbeddingT")


class FeedError(Exception):
    """A feed that cannot be given.

    FeedError
    ├── BlankUsernameError, InvalidCreatedAfterError, InvalidDiversityError, InvalidFallbackError,
    │   InvalidMostPerOwnerError, InvalidPageSizeError, InvalidPageTokenError, InvalidPositionError, InvalidPostError,
    │   InvalidSeenError, MoodTooLongError, TooManyExclusionsError, TooManyFiltersError
    ├── CategoryNotFoundError, PostNotFoundError, UserNotFoundError
    ├── BundleNotHeldError
    ├── CountsNotHeldError, PostsNotHeldError
    ├── DependencyOverloadedError
    └── DependencyUnavailableError
        ├── DeadlineExceededError
        ├── DependencyTooOldError
        ├── PositionNotReachedError
        └── WrongShardError
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata: Mapping[str, str] = metadata


class BlankUsernameError(FeedError):
    """The username is missing or blank."""


class InvalidCreatedAfterError(FeedError):
    """The moment after which posts were made is outside of the years 1 to 9999."""


class InvalidDiversityError(FeedError):
    """The diversity is not a number from 0 to 1."""


class InvalidMostPerOwnerError(FeedError):
    """The largest number of posts of one account is negative."""


class InvalidFallbackError(FeedError):
    """The request asks for a fallback that this gateway does not know."""


class InvalidPageSizeError(FeedError):
    """The page size is negative."""


class InvalidPageTokenError(FeedError):
    """The page token does not belong to this request, is too old, or its bundle is no longer held."""


class InvalidPositionError(FeedError):
    """The position of the log is negative."""


class InvalidPostError(FeedError):
    """The one post of a request cannot be stored, or what is to name a post cannot be its id."""


class InvalidSeenError(FeedError):
    """The request asks for something to become of seen posts that this gateway does not know."""


class MoodTooLongError(FeedError):
    """The mood has more than LONGEST_MOOD code points."""


class TooManyExclusionsError(FeedError):
    """More than MOST_EXCLUSIONS posts are excluded, counting post ids and external ids together."""


class TooManyFiltersError(FeedError):
    """A filter names more values than it may."""


class CategoryNotFoundError(FeedError):
    """No servable post has this category."""

    def __init__(self) -> None:
        super().__init__("invalid category id")


class PostNotFoundError(FeedError):
    """Nobody knows the post."""

    def __init__(self) -> None:
        super().__init__("there is no such post")


class UserNotFoundError(FeedError):
    """The user is unknown, and the request does not give both a mood and a category."""

    def __init__(self) -> None:
        super().__init__("User is not in database so give input of mood and category_id")


class BundleNotHeldError(FeedError):
    """No replica holds the requested bundle; ``current_bundle_id`` in the metadata names the one in use."""


class CountsNotHeldError(FeedError):
    """No replica can count trends as of the position of an earlier page any more."""


class PostsNotHeldError(FeedError):
    """No replica knows posts and rules as of the position of an earlier page any more."""


class DependencyOverloadedError(FeedError):
    """A service that the feed needs refuses requests because it has too many."""

    retry_after_seconds = 0.1


class DependencyUnavailableError(FeedError):
    """A service that the feed needs does not answer, or answers with a fault of its own."""


class DependencyTooOldError(DependencyUnavailableError):
    """A service is of an older release and does not know the call, as in the middle of an upgrade."""


class WrongShardError(DependencyUnavailableError):
    """The shards of the post index are not those that the gateway's settings name."""


class PositionNotReachedError(DependencyUnavailableError):
    """The log cannot be read up to the position that the request asks for."""


class DeadlineExceededError(DependencyUnavailableError):
    """The request's deadline passed."""


class FeedRanking(Enum):
    """The rule that ordered a feed; each value is the name in the contract."""

    USER = "RANKING_USER"
    MOOD_THEN_USER = "RANKING_MOOD_THEN_USER"
    MOOD = "RANKING_MOOD"
    POPULAR = "RANKING_POPULAR"
    TRENDING = "RANKING_TRENDING"
    SIMILAR = "RANKING_SIMILAR"


COUNTED_RANKINGS = frozenset({FeedRanking.TRENDING, FeedRanking.USER})
"""Their later pages count what people meet as of the first one."""


class Fallback(Enum):
    """What an unknown user gets who gives no mood or no category; each value is the name in the contract."""

    NONE = "FALLBACK_NONE"
    POPULAR = "FALLBACK_POPULAR"
    TRENDING = "FALLBACK_TRENDING"


class Seen(Enum):
    """What becomes of posts that the user has seen; each value is the name in the contract."""

    LAST = "SEEN_LAST"
    EXCLUDED = "SEEN_EXCLUDED"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which posts are wanted: all that no field leaves out.

    A post is of one of ``category_ids`` and of one of ``languages``, unless they are empty, was made after
    ``created_after_ms``, in milliseconds since 1970, and is of none of the excluded categories and accounts. The user's
    own posts are wanted only if ``include_own_posts`` is set.
    """

    category_ids: tuple[int, ...] = ()
    excluded_category_ids: tuple[int, ...] = ()
    excluded_owner_usernames: tuple[str, ...] = ()
    created_after_ms: int | None = None
    languages: tuple[str, ...] = ()
    include_own_posts: bool = False

    def of_user(self, username: str) -> "Filters":
        """These filters as the post search applies them: the user's own posts are left out by their account's name."""
        if self.include_own_posts or not username or username in self.excluded_owner_usernames:
            return self
        return replace(self, excluded_owner_usernames=(*self.excluded_owner_usernames, username))


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class SimilarTo:
    """The post that others are to be like: by its id or, if that is 0, by its id at the source."""

    post_id: int = 0
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """Whose feed, and which part of it; see protos/moodfeed/feed/v1/feed.proto for the meaning of each field.

    With ``similar_to`` it asks for similar posts, and the username may be empty. ``shown_post_ids`` are left out as
    ``exclude_post_ids`` are, however many they are: other feeds of the same answer show them.
    """

    username: str
    category_id: int | None = None
    mood: str = ""
    page_size: int = 0
    page_token: str = ""
    exclude_post_ids: tuple[int, ...] = ()
    required_bundle_id: str = ""
    strict: bool = False
    exclude_external_ids: tuple[str, ...] = ()
    at_least_position: int = 0
    fallback: Fallback = Fallback.NONE
    seen: Seen = Seen.LAST
    remember_served: bool = False
    filters: Filters = NO_FILTERS
    diversity: float = 0.0
    most_per_owner: int = 0
    explain: bool = False
    similar_to: SimilarTo | None = None
    shown_post_ids: tuple[int, ...] = ()

    @property
    def trimmed_mood(self) -> str:
        """The mood without the white space around it; empty if no mood is given."""
        return self.mood.strip()


@dataclass(frozen=True, slots=True)
class TrendingRequest:
    """Which part of the trends; see ListTrendingRequest in protos/moodfeed/feed/v1/feed.proto."""

    category_id: int | None = None
    page_size: int = 0
    page_token: str = ""
    required_bundle_id: str = ""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A stage of the feed that was left out, and why."""

    stage: str
    reason: str


USER, MOOD = "user", "mood"  # the stages
NO_USER_TOWER = Degradation(USER, "USER_TOWER_UNAVAILABLE")
NO_MOOD = Degradation(MOOD, "MOOD_UNAVAILABLE")


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed; each post is a serialised FeedPost, as the index packed it.

    ``mood_understood`` is None if no mood was given, or if nobody can tell.
    """

    posts: Sequence[bytes]
    next_page_token: str
    bundle_id: str
    ranking: FeedRanking
    degradations: tuple[Degradation, ...] = ()
    feed_id: str = ""
    position: int = 0  # of the log; 0 without one
    exhausted: bool = False
    mood_understood: bool | None = None
    is_approximate: bool = False  # better posts may be missing


@dataclass(frozen=True, slots=True)
class FeedCategory:
    """A category that a feed can be narrowed to."""

    category_id: int
    name: str
    post_count: int


@dataclass(frozen=True, slots=True)
class ServedPosts:
    """What a user was shown and has asked to have remembered.

    ``post_ids`` were shown by the position that was asked for, those shown longest ago first; ``elsewhere_post_ids``
    later, by other feeds than the one that asks, and up to the position ``read_up_to``.
    """

    post_ids: Sequence[int]
    elsewhere_post_ids: Sequence[int]
    read_up_to: int


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """What a user met last: ``post_ids``, newest last, of a history of ``count`` posts.

    The newest interaction was at ``newest_at_ms``, in milliseconds since 1970, 0 if that is not known.
    """

    post_ids: Sequence[int]
    count: int
    newest_at_ms: int


@dataclass(frozen=True, slots=True)
class FeedContext(Generic[EmbeddingT]):
    """The user and the mood of a request, embedded.

    ``user`` is None if the username is unknown. ``mood`` is None if the request has no mood, if ``mood_unavailable`` is
    set, the mood could not be encoded, or if ``mood_not_understood`` is, it says nothing about a mood. An empty
    ``bundle_id`` leaves the choice to the post search.

    What people did up to ``position`` of the log counts; it is None without a log. The user's last change that counts
    is at ``changed_position``, 0 for none. Of the posts that the user does not want to see, ``not_interested_post_ids``
    are not returned, and ``withheld_post_ids`` keep their places, because they came to it after the position that was
    asked for.

    Remembered posts that were shown since ``served_since_ms`` are among the seen ones, or in ``served`` if the wish
    names a feed. The moment is 0 if there are none; otherwise the context changes as time passes. ``recent`` is what
    the user met last, None for an unknown user.
    """

    user: EmbeddingT | None = None
    mood: EmbeddingT | None = None
    seen_post_ids: Sequence[int] = ()
    bundle_id: str = ""
    mood_unavailable: bool = False
    mood_not_understood: bool = False
    position: int | None = None
    changed_position: int = 0
    not_interested_post_ids: Sequence[int] = ()
    withheld_post_ids: Sequence[int] = ()
    served_since_ms: int = 0
    served: ServedPosts | None = None
    recent: RecentHistory | None = None


@dataclass(frozen=True, slots=True)
class LogWish:
    """Up to where in the log a user's context must count, or should count, what people did.

    ``as_of`` is the position that the user is wanted as of, None for now. ``at_least`` must be reached, and ``wanted``
    need not be; 0 for no wish.

    Remembered posts count if they were shown at ``served_since_ms`` or later, 0 for the moment that the tower chooses.
    If ``feed`` is not empty, they are wanted apart from the seen ones; it is the start of that feed's feed_ids.
    """

    as_of: int | None = None
    at_least: int = 0
    wanted: int = 0
    served_since_ms: int = 0
    feed: str = ""


NO_WISH = LogWish()


@dataclass(frozen=True, slots=True)
class Search(Generic[EmbeddingT]):
    """A request to the post search: at most ``limit`` posts, after the first ``offset`` of the ranking.

    If it is ``trending``, and no embedding is given, posts are ranked by trend: as of the ``counted_position`` of an
    earlier page, or of now and ``at_least_position``. By user, what people meet counts as of that position as well.
    Posts and rules count as of the ``posts_position`` and the ``rules_moment_ms`` of an earlier page, or of now and
    ``at_least_position``.
    """

    context: FeedContext[EmbeddingT]
    category_id: int | None
    exclude_post_ids: tuple[int, ...]
    offset: int
    limit: int
    exclude_external_ids: tuple[str, ...] = ()
    trending: bool = False
    counted_position: int | None = None
    at_least_position: int = 0
    posts_position: int | None = None
    rules_moment_ms: int | None = None
    filters: Filters = NO_FILTERS  # with the user's own posts among the excluded ones, if they are not wanted
    diversity: float = 0.0
    most_per_owner: int = 0
    explain: bool = False
    similar_to: SimilarTo | None = None
    exploration_share: float = 0.0
    exploration_seed: int = 0  # 0..2**64 - 1, the same for all pages of a feed
    left_out: frozenset[str] = frozenset()  # stages that an earlier page went without
    may_degrade: bool = False  # whether shards of the index that do not answer may be left out
    is_strict: bool = False  # whether nothing may be left out


@dataclass(frozen=True, slots=True)
class FoundPosts:
    """The answer of the post search; each post is a serialised FeedPost.

    By trend, or by user, what people did up to ``counted_position`` of the log counts, 0 without a log. Posts and
    rules up to ``posts_position`` do, None without a log, and rules as at the moment ``rules_moment_ms``.
    ``degradations`` are the shards of the index without which the posts were found.
    """

    posts: Sequence[bytes]
    has_more: bool
    ranking: FeedRanking
    bundle_id: str
    current_bundle_id: str  # of the index, whichever bundle answered
    counted_position: int = 0
    posts_position: int | None = None
    rules_moment_ms: int = 0
    degradations: tuple[Degradation, ...] = ()
    is_approximate: bool = False  # better posts may be missing
    unavailable_engine: str = ""  # the engine of the index that did not answer


class ContextEncoder(Protocol[EmbeddingT]):
    """Embeds users and moods."""

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext[EmbeddingT]:
        """Embed a user and a mood within ``seconds``, with the current bundle if ``bundle_id`` is empty.

        ``mood`` has no white space around it; an empty one means that none is given. Raises MoodTooLongError,
        BundleNotHeldError, DependencyOverloadedError, PositionNotReachedError, DependencyUnavailableError.
        """


class PostSearch(Protocol[EmbeddingT]):
    """Ranks posts and lists categories."""

    async def search_posts(self, search: Search[EmbeddingT], *, seconds: float) -> FoundPosts:
        """Rank posts within ``seconds``, with the bundle of the context.

        Raises CategoryNotFoundError, PostNotFoundError, BundleNotHeldError, CountsNotHeldError, PostsNotHeldError,
        DependencyOverloadedError, PositionNotReachedError, DependencyUnavailableError.
        """

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories within ``seconds``.

        Raises BundleNotHeldError, DependencyOverloadedError, DependencyUnavailableError.
        """


class Clock(Protocol):
    """The time left for one request."""

    def seconds_left(self) -> float:
        """Seconds until the request's deadline, at least 0."""
