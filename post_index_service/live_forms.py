"""Makes the rows of the live segment: a post, its embeddings, and what the bundle knows of it."""

import math
from typing import Protocol

import numpy as np

from bundle.embedding_space import Vector
from bundle.served_posts import ServedPost
from post_index_service.codes import Rows
from post_index_service.live_segment import LiveForm
from store.posts import Post, PostEmbedding
from store.rules import Rule

_NORM_TOLERANCE = 1e-3
_SINGLE, _HALF = np.dtype("<f4"), np.dtype("<f2")


class BundlePosts(Protocol):
    """What the live posts ask of the bundle that they lie over; ``accounts`` are the numbers of accounts met since."""

    accounts: dict[str, int]

    def row_of(self, post_id: int) -> int | None:
        """The row of a post in the bundle; None if it is not there."""

    def popularity_of(self, row: int) -> float:
        """The popularity of the post in a row."""

    def rows_of_rule(self, rule: Rule) -> Rows:
        """The rows of the posts that a rule names, ascending."""

    def account_of(self, owner_username: str) -> int:
        """The number of an account, NO_ACCOUNT for an empty name."""

    def learn(self, post: Post) -> int:
        """Count interactions with a post from now on; gives where, see ``Epoch.trends``."""


def live_form(
    post: Post, embedding: PostEmbedding, *, bundle: BundlePosts, dimensions: tuple[int, int]
) -> LiveForm | None:
    """The row of a post; None if a vector of its embedding is not a unit vector of its dimension.

    ``dimensions`` are those of a tower and a text embedding. A text embedding may be zeros.
    """
    tower = _vector(embedding.tower, _SINGLE, dimensions[0])
    text = _vector(embedding.text, _HALF, dimensions[1], or_zero=True)
    if tower is None or text is None:
        return None
    row_in_bundle = bundle.row_of(post.post_id)
    return LiveForm(
        post=ServedPost(
            post.post_id,
            post.video_link,
            post.title,
            post.thumbnail_url,
            post.category_id,
            post.owner_username,
            post.external_id,
            post.language,
        ),
        tower=tower,
        text=text,
        popularity=0.0 if row_in_bundle is None else bundle.popularity_of(row_in_bundle),
        trend_row=bundle.learn(post),
        account=bundle.account_of(post.owner_username),
        created_at_ms=post.created_at_ms,
        language=post.language,
    )


def _vector(content: bytes, dtype: np.dtype[np.floating], dimension: int, *, or_zero: bool = False) -> Vector | None:
    """The vector as float32; None if it is not a unit vector of the dimension."""
    if len(content) != dimension * dtype.itemsize:
        return None
    vector = np.frombuffer(content, dtype=dtype).astype(np.float32)
    norm = math.sqrt(float(vector.dot(vector)))
    is_unit = abs(norm - 1) <= _NORM_TOLERANCE or (or_zero and norm == 0)
    return vector if is_unit else None
