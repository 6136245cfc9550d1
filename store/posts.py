"""A post as its author describes it, what becomes of it in the store, and its embeddings."""

from dataclasses import dataclass, replace

FIRST_GIVEN_ID = 2**52
"""Posts that come with an external id alone get this number plus a position of the log: JSON keeps it exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post; see moodfeed.catalog.v1.Post for the fields. ``external_id`` is empty if the post has none."""

    post_id: int
    category_id: int
    video_link: str
    created_at_ms: int
    category_name: str = ""
    title: str = ""
    description: str = ""
    emotions: tuple[str, ...] = ()
    thumbnail_url: str = ""
    owner_username: str = ""
    language: str = ""
    is_servable: bool = True
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """A post to store. ``post.post_id`` 0 means that its ``external_id`` names it.

    With ``keeps_created_at`` the moment of an earlier revision is kept, as none was given.
    """

    post: Post
    keeps_created_at: bool = False

    def with_id(self, post_id: int) -> "NewPost":
        """The same post with the id that it was given."""
        return replace(self, post=replace(self.post, post_id=post_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRevision:
    """A post as of ``position``; ``post`` is None if it was deleted there."""

    post_id: int
    position: int
    post: Post | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEmbedding:
    """The embeddings of the revision at ``revision`` of a post: float32 and float16, little-endian, unit vectors.

    ``representation`` is the post as the user tower sees it in a history, float32; empty if it cannot be in one. It is
    kept so that all towers have the same one to the bit.
    """

    post_id: int
    revision: int
    tower: bytes
    text: bytes
    representation: bytes = b""
