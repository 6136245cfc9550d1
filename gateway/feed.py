"""What a feed is: check the request, encode its context, search the index, cut a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway import page_token

DEFAULT_PAGE_SIZE = 10
LARGEST_PAGE_SIZE = 100
LONGEST_MOOD = 512  # code points
MOST_EXCLUSIONS = 1000


class FeedError(Exception):
    """A feed that cannot be given.

    FeedError
    ├── BlankUsernameError, InvalidPageSizeError, InvalidPageTokenError, MoodTooLongError, TooManyExclusionsError
    ├── CategoryNotFoundError, UserNotFoundError
    ├── BundleNotHeldError
    └── UnavailableError
        └── DeadlineExceededError
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata: Mapping[str, str] = metadata


class BlankUsernameError(FeedError):
    """No username was given."""


class InvalidPageSizeError(FeedError):
    """The page size is negative."""


class InvalidPageTokenError(FeedError):
    """The page token is not of this request and this bundle."""


class MoodTooLongError(FeedError):
    """The mood has more than 512 code points."""


class TooManyExclusionsError(FeedError):
    """More than 1000 posts are excluded."""


class CategoryNotFoundError(FeedError):
    """No servable post has this category."""

    def __init__(self) -> None:
        super().__init__("invalid category id")


class UserNotFoundError(FeedError):
    """The user is unknown, and mood and category are not both given."""

    def __init__(self) -> None:
        super().__init__("User is not in database so give input of mood and category_id")


class BundleNotHeldError(FeedError):
    """The bundle that the caller requires is not the one that answers."""


class UnavailableError(FeedError):
    """A service that the feed needs does not answer."""


class DeadlineExceededError(UnavailableError):
    """The request's time ran out."""


class Ranking(Enum):
    """Which rule ordered a feed."""

    USER = "RANKING_USER"
    MOOD_THEN_USER = "RANKING_MOOD_THEN_USER"
    MOOD = "RANKING_MOOD"
    POPULAR = "RANKING_POPULAR"


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """Whose feed, and which part of it; see protos/moodfeed/feed/v1/feed.proto for the meaning of each field."""

    username: str
    category_id: int | None = None
    mood: str = ""
    page_size: int = 0
    page_token: str = ""
    exclude_post_ids: tuple[int, ...] = ()
    required_bundle_id: str = ""
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a feed; category_id 0 means none."""

    post_id: int
    video_link: str
    title: str
    thumbnail_url: str
    category_id: int
    owner_username: str
    score: float


@dataclass(frozen=True, slots=True)
class Degradation:
    """A part of the answer that was left out, and why."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed."""

    posts: tuple[Post, ...]
    next_page_token: str
    bundle_id: str
    ranking: Ranking
    degradations: tuple[Degradation, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """A category that a feed can be narrowed to."""

    category_id: int
    name: str
    post_count: int


@dataclass(frozen=True, slots=True)
class Embedding:
    """An embedding on its way from the tower to the index: the gateway passes it on and never looks inside."""

    bundle_id: str
    kind: int
    dimension: int
    values: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What the user tower says of a request; no user if the username is unknown, no mood if none was given."""

    user: Embedding | None
    mood: Embedding | None
    seen_post_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What the index is asked."""

    context: Context
    category_id: int | None
    exclude_post_ids: tuple[int, ...]
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What the index answers."""

    posts: tuple[Post, ...]
    has_more: bool
    ranking: Ranking
    bundle_id: str


class UserTower(Protocol):
    """Knows people and moods."""

    async def encode_context(self, username: str, mood: str, *, seconds: float) -> Context:
        """Embed user and mood within ``seconds``; UnavailableError if that cannot be had."""


class PostIndex(Protocol):
    """Knows posts and categories."""

    async def search_posts(self, search: Search, *, seconds: float) -> SearchResult:
        """Rank posts within ``seconds``; CategoryNotFoundError, UnavailableError."""

    async def list_categories(self, *, seconds: float) -> tuple[Category, ...]:
        """All valid categories within ``seconds``; UnavailableError."""


class Clock(Protocol):
    """The time left of one request."""

    def seconds_left(self) -> float:
        """Seconds until the request's deadline, at least 0."""


async def get_feed(request: FeedRequest, *, tower: UserTower, index: PostIndex, clock: Clock) -> Feed:
    """Answer one request as the case table says; FeedError says what was wrong.

    Checks run in this order: malformed request, category, user.
    """
    request_digest = page_token.digest(request.username, request.category_id, request.mood, request.exclude_post_ids)
    page_size, token = _check(request), _read_token(request, request_digest)

    context = await tower.encode_context(request.username, request.mood, seconds=clock.seconds_left())
    if context.user is None and (context.mood is None or request.category_id is None):
        await _check_category(request.category_id, index=index, clock=clock)
        raise UserNotFoundError

    offset = token.offset if token else 0
    search = Search(context, request.category_id, request.exclude_post_ids, offset, page_size)
    result = await index.search_posts(search, seconds=clock.seconds_left())

    if request.required_bundle_id and request.required_bundle_id != result.bundle_id:
        raise BundleNotHeldError(
            f"bundle {request.required_bundle_id} is not held, {result.bundle_id} is",
            required_bundle_id=request.required_bundle_id,
            bundle_id=result.bundle_id,
        )
    if token and token.bundle_id != result.bundle_id:
        raise InvalidPageTokenError("page_token is of another bundle: start again at the first page")
    next_token = page_token.write(result.bundle_id, request_digest, offset + page_size) if result.has_more else ""
    return Feed(result.posts, next_token, result.bundle_id, result.ranking)


def _check(request: FeedRequest) -> int:
    """Refuse a malformed request; returns the page size that is meant."""
    if not request.username.strip():
        raise BlankUsernameError("username must not be empty or blank")
    if len(request.mood) > LONGEST_MOOD:
        raise MoodTooLongError(f"mood has {len(request.mood)} code points, at most {LONGEST_MOOD} are allowed")
    if request.page_size < 0:
        raise InvalidPageSizeError(f"page_size is {request.page_size}, it must not be negative")
    if len(request.exclude_post_ids) > MOST_EXCLUSIONS:
        raise TooManyExclusionsError(
            f"{len(request.exclude_post_ids)} posts are excluded, at most {MOST_EXCLUSIONS} are allowed"
        )
    return min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)


def _read_token(request: FeedRequest, request_digest: bytes) -> page_token.PageToken | None:
    if not request.page_token:
        return None
    try:
        token = page_token.read(request.page_token)
    except ValueError as error:
        raise InvalidPageTokenError("page_token is not one that this service gave") from error
    if token.request_digest != request_digest:
        raise InvalidPageTokenError("page_token is of another request: keep all fields but page_size unchanged")
    return token


async def _check_category(category_id: int | None, *, index: PostIndex, clock: Clock) -> None:
    if category_id is None:
        return
    categories = await index.list_categories(seconds=clock.seconds_left())
    if all(category.category_id != category_id for category in categories):
        raise CategoryNotFoundError
