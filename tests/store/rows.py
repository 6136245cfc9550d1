"""Rows to record, short enough to read in a test."""

from store.interactions import NewInteraction, Verb
from store.port import InteractionLog
from store.posts import NewPost, Post, PostEmbedding


def did(event_id: str, username: str, verb: Verb = Verb.LIKE, post_id: int = 1, *, at: int = 1000) -> NewInteraction:
    """A person did something with a post."""
    return NewInteraction(event_id=event_id, username=username, verb=verb, post_id=post_id, occurred_at_ms=at)


def took_back(event_id: str, username: str, retracts: str, *, at: int = 2000) -> NewInteraction:
    """A person took an event back."""
    return NewInteraction(event_id=event_id, username=username, retracts=retracts, occurred_at_ms=at)


def record(store: InteractionLog, *rows: NewInteraction) -> int:
    """Record rows; gives the position."""
    return store.record(rows).position


def post(post_id: int, title: str = "", *, external_id: str = "", at: int = 1000, keeps: bool = False) -> NewPost:
    """A post to store."""
    content = Post(
        post_id=post_id, category_id=1, video_link="v", created_at_ms=at, title=title, external_id=external_id
    )
    return NewPost(post=content, keeps_created_at=keeps)


def embedding(post_id: int, revision: int, content: bytes = b"t") -> PostEmbedding:
    """Embeddings of a revision of a post."""
    return PostEmbedding(
        post_id=post_id, revision=revision, tower=content, text=content + b"x", representation=content * 2
    )
