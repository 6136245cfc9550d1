"""What is told about posts, what becomes of it, and how that fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.feed_types import FeedError

MOST_POSTS = 64  # of one call that stores posts
MOST_POST_IDS = 1000  # of one call that deletes or reads posts


class PostCountError(FeedError):
    """The request does not hold 1 to MOST_POSTS posts, or 1 to MOST_POST_IDS ids of posts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post as its author describes it; catalog.proto says what each field means.

    ``post_id`` is None if ``external_id`` names the post. ``created_at_ms`` is None for now, or for the moment that is
    known of the post.
    """

    post_id: int | None = None
    title: str = ""
    description: str = ""
    emotions: tuple[str, ...] = ()
    category_id: int = 0
    category_name: str = ""
    video_link: str = ""
    thumbnail_url: str = ""
    owner_username: str = ""
    language: str = ""
    is_servable: bool = True
    created_at_ms: int | None = None
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class PostNames:
    """Posts by their ids and by their ids at the source."""

    post_ids: tuple[int, ...] = ()
    external_ids: tuple[str, ...] = ()


class UpsertResult(Enum):
    """What became of a post; each value is the name in the contract."""

    ACCEPTED = "UPSERT_RESULT_ACCEPTED"
    REJECTED = "UPSERT_RESULT_REJECTED"


@dataclass(frozen=True, slots=True)
class PostResult:
    """What became of one post, why if it was rejected, and its id otherwise."""

    result: UpsertResult
    reason: str = ""
    post_id: int = 0


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of each post, in order, and the position at which all can be read; 0 if none was stored."""

    position: int
    results: Sequence[PostResult]


class PostState(Enum):
    """Where a post stands; each value is the name in the contract."""

    SERVED = "POST_STATE_SERVED"
    PENDING = "POST_STATE_PENDING"
    NOT_SERVABLE = "POST_STATE_NOT_SERVABLE"
    DELETED = "POST_STATE_DELETED"


@dataclass(frozen=True, slots=True)
class KeptPost:
    """A post as it is kept, and the position of its last change; 0 if only the bundle knows it."""

    post: Post
    state: PostState
    position: int


class PostKeeper(Protocol):
    """Keeps posts durably. Every method may raise the errors of DependencyUnavailableError and NoStoreError."""

    async def upsert_posts(self, posts: Sequence[Post], *, seconds: float) -> Upserted:
        """Store posts within ``seconds``; each can be stored as far as the gateway can tell."""

    async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
        """Delete posts, also such as nobody knows; gives the position from which on they are gone."""

    async def get_posts(self, names: PostNames, *, seconds: float) -> Sequence[KeptPost]:
        """The posts that are known, ascending by post id."""
