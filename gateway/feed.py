"""What a feed is: check the request, encode its context, search the index, cut a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

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
    ├── OverloadedError
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
    """No replica holds the bundle that is asked for; ``current_bundle_id`` in the metadata is the one that answers."""


class OverloadedError(FeedError):
    """More is asked of a service behind this one than it can answer in time."""

    retry_after_seconds = 0.1


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
class Degradation:
    """A part of the answer that was left out, and why."""

    stage: str
    reason: str


USER, MOOD = "user", "mood"
NO_USER_TOWER = Degradation(USER, "USER_TOWER_UNAVAILABLE")
NO_MOOD = Degradation(MOOD, "MOOD_UNAVAILABLE")
_TOWER_SHARE = 0.6  # of the time: what is left must do for a feed without the tower


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed; each post is a serialised FeedPost, as the index packed it."""

    posts: Sequence[bytes]
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
class Context:
    """What the user tower says of a request; no user if the username is unknown, no mood if none was given.

    The two embeddings are on their way to the index, in a form that both ports know: a feed never looks inside.
    ``mood_unavailable`` says that a mood was given and could not be encoded. An empty ``bundle_id`` leaves the choice
    to the index.
    """

    user: Any = None
    mood: Any = None
    seen_post_ids: Sequence[int] = ()
    bundle_id: str = ""
    mood_unavailable: bool = False


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
    """What the index answers; each post is a serialised FeedPost."""

    posts: Sequence[bytes]
    has_more: bool
    ranking: Ranking
    bundle_id: str
    current_bundle_id: str  # of the index, whichever bundle answered


class UserTower(Protocol):
    """Knows people and moods."""

    async def encode_context(self, username: str, mood: str, *, bundle_id: str, seconds: float) -> Context:
        """Embed user and mood within ``seconds``, by the current bundle if ``bundle_id`` is empty.

        BundleNotHeldError, OverloadedError, UnavailableError.
        """


class PostIndex(Protocol):
    """Knows posts and categories."""

    async def search_posts(self, search: Search, *, seconds: float) -> SearchResult:
        """Rank posts within ``seconds`` by the bundle of the context.

        CategoryNotFoundError, BundleNotHeldError, OverloadedError, UnavailableError.
        """

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[Category, ...]:
        """All valid categories within ``seconds``; BundleNotHeldError, OverloadedError, UnavailableError."""


class Clock(Protocol):
    """The time left of one request."""

    def seconds_left(self) -> float:
        """Seconds until the request's deadline, at least 0."""


async def get_feed(request: FeedRequest, *, tower: UserTower, index: PostIndex, clock: Clock) -> Feed:
    """Answer one request as the case table says, from one bundle; FeedError says what was wrong.

    Checks run in this order: malformed request, category, user. What is left out, ``degradations`` says.
    """
    page = _check(request)
    context, degradations = await _encode(request, page, tower=tower, clock=clock)
    try:
        result = await _search(request, page, context, degradations=degradations, index=index, clock=clock)
    except BundleNotHeldError as error:
        if page.bundle_id:
            raise _in_words_of(page, error) from error
        # The tower is a step ahead of the index, or behind: both hold the bundle that the index has.
        page = replace(page, bundle_id=error.metadata["current_bundle_id"])
        context, degradations = await _encode(request, page, tower=tower, clock=clock)
        result = await _search(request, page, context, degradations=degradations, index=index, clock=clock)
    next_token = _token_after(page, result, degradations) if result.has_more else ""
    return Feed(result.posts, next_token, result.bundle_id, result.ranking, degradations)


@dataclass(frozen=True, slots=True)
class _Page:
    """Which part of which ranking is meant; no ``left_out`` at a first page: whether anything is, will be seen."""

    request_digest: bytes
    size: int
    offset: int
    bundle_id: str
    is_continued: bool
    left_out: frozenset[str]


def _check(request: FeedRequest) -> _Page:
    """Refuse a malformed request; returns the page that is meant."""
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
    digest = page_token.digest(request.username, request.category_id, request.mood, request.exclude_post_ids)
    size = min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    if not request.page_token:
        return _Page(digest, size, 0, request.required_bundle_id, is_continued=False, left_out=frozenset())
    try:
        token = page_token.read(request.page_token)
    except ValueError as error:
        raise InvalidPageTokenError("page_token is not one that this service gave") from error
    if token.request_digest != digest:
        raise InvalidPageTokenError("page_token is of another request: keep all fields but page_size unchanged")
    if request.required_bundle_id not in {"", token.bundle_id}:
        raise InvalidPageTokenError("page_token is of another bundle than required_bundle_id")
    return _Page(digest, size, token.offset, token.bundle_id, is_continued=True, left_out=token.left_out)


async def _encode(
    request: FeedRequest, page: _Page, *, tower: UserTower, clock: Clock
) -> tuple[Context, tuple[Degradation, ...]]:
    """What the tower says, or what a feed can do without. A page goes on by the rule that its feed began with."""
    may_degrade = not request.strict and not page.is_continued
    if page.left_out and request.strict:
        raise UnavailableError("the feed that page_token continues is a degraded one: start again at the first page")
    if USER in page.left_out:
        return Context(bundle_id=page.bundle_id), (NO_USER_TOWER,)
    mood = "" if MOOD in page.left_out else request.mood
    share = _TOWER_SHARE if may_degrade else 1.0
    try:
        context = await tower.encode_context(
            request.username, mood, bundle_id=page.bundle_id, seconds=share * clock.seconds_left()
        )
    except BundleNotHeldError as error:
        raise _in_words_of(page, error) from error
    except UnavailableError:
        if not may_degrade or not clock.seconds_left():
            raise
        return Context(bundle_id=page.bundle_id), (NO_USER_TOWER,)
    if context.mood_unavailable and not may_degrade:
        raise UnavailableError("the mood encoder is unavailable", reason=NO_MOOD.reason)
    return context, (NO_MOOD,) if context.mood_unavailable or MOOD in page.left_out else ()


async def _search(
    request: FeedRequest,
    page: _Page,
    context: Context,
    *,
    degradations: tuple[Degradation, ...],
    index: PostIndex,
    clock: Clock,
) -> SearchResult:
    """The page's posts; a user whom the tower does not know needs mood and category."""
    is_asking_enough = request.mood.strip() and request.category_id is not None
    if context.user is None and NO_USER_TOWER not in degradations and not is_asking_enough:
        await _check_category(request.category_id, bundle_id=context.bundle_id, index=index, clock=clock)
        raise UserNotFoundError
    search = Search(context, request.category_id, request.exclude_post_ids, page.offset, page.size)
    return await index.search_posts(search, seconds=clock.seconds_left())


def _token_after(page: _Page, result: SearchResult, degradations: tuple[Degradation, ...]) -> str:
    place = page_token.PageToken(
        bundle_id=result.bundle_id,
        request_digest=page.request_digest,
        offset=page.offset + page.size,
        left_out=frozenset(degradation.stage for degradation in degradations),
    )
    return page_token.write(place)


def _in_words_of(page: _Page, error: BundleNotHeldError) -> FeedError:
    if page.is_continued:
        return InvalidPageTokenError("page_token is of a bundle that is no longer held: start again at the first page")
    return error


async def _check_category(category_id: int | None, *, bundle_id: str, index: PostIndex, clock: Clock) -> None:
    if category_id is None:
        return
    categories = await index.list_categories(bundle_id=bundle_id, seconds=clock.seconds_left())
    if all(category.category_id != category_id for category in categories):
        raise CategoryNotFoundError
