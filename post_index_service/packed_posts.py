"""Serialises posts when they are first shown, and keeps the bytes as long as their index is held.

docs/decisions/lru.md says why the bytes are kept in a plain dict.
"""

import struct
from weakref import WeakKeyDictionary

import numpy as np

from bundle.served_posts import ServedPost
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex, SearchResult

_MOST_PACKED = 100_000
_SCORE = struct.Struct("<Bf")
_SCORE_TAG = post_index_pb2.RankedPost.SCORE_FIELD_NUMBER << 3 | 5  # wire type 5: four bytes


class PackedPosts:
    """Serialises the posts of search results; may be called from several threads."""

    def __init__(self) -> None:
        self._packed: WeakKeyDictionary[PostIndex, dict[int, bytes]] = WeakKeyDictionary()

    def of(self, index: PostIndex, result: SearchResult) -> list[bytes]:
        """A serialised RankedPost for each post of a result of ``index``, in its order."""
        packed = self._packed.setdefault(index, {})
        missing = [row for row in result.rows if row not in packed]
        if missing:
            if len(packed) > _MOST_PACKED:
                packed, missing = {}, list(result.rows)
                self._packed[index] = packed
            packed.update(zip(missing, map(pack, result.served.at(np.array(missing))), strict=True))
        return [with_score(packed[row], score) for row, score in zip(result.rows, result.scores, strict=True)]


def pack(post: ServedPost) -> bytes:
    """A serialised RankedPost without its score, which ``with_score`` appends."""
    message = post_index_pb2.RankedPost(
        post_id=post.post_id,
        video_link=post.video_link,
        title=post.title,
        thumbnail_url=post.thumbnail_url,
        category_id=post.category_id,
        owner_username=post.owner_username,
    )
    return message.SerializeToString()


def with_score(packed: bytes, score: float) -> bytes:
    """Append the score to a serialised RankedPost: protobuf allows fields in any order, and a zero to be written."""
    return packed + _SCORE.pack(_SCORE_TAG, score)
