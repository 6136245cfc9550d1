"""Serialises posts when they are first shown, and keeps the bytes as long as their index is held.

docs/decisions/lru.md says why the bytes are kept in a plain dict.
"""

import struct
from weakref import WeakKeyDictionary

import numpy as np

from bundle.served_posts import ServedPost
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex, SearchResult
from post_index_service.reasons import Reason

_MOST_PACKED = 100_000
_SCORES = struct.Struct("<BfBfBB")
_FOUR_BYTES = 5  # the wire type of a float
_SCORE_TAG = post_index_pb2.RankedPost.SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES
_REASON_TAG = post_index_pb2.RankedPost.REASON_FIELD_NUMBER << 3  # a whole number, of one byte
_REASONS = {reason: feed_pb2.Reason.Value(reason.value) for reason in Reason}
_RANKING_SCORE_TAG = post_index_pb2.RankedPost.RANKING_SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES


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
        return [
            with_scores(packed[row], score, ranking_score, reason)
            for row, score, ranking_score, reason in zip(
                result.rows, result.scores, result.ranking_scores, result.reasons, strict=True
            )
        ]


def pack(post: ServedPost) -> bytes:
    """A serialised RankedPost without its scores and its reason, which ``with_scores`` appends."""
    message = post_index_pb2.RankedPost(
        post_id=post.post_id,
        video_link=post.video_link,
        title=post.title,
        thumbnail_url=post.thumbnail_url,
        category_id=post.category_id,
        owner_username=post.owner_username,
        external_id=post.external_id,
    )
    return message.SerializeToString()


def with_scores(packed: bytes, score: float, ranking_score: float, reason: Reason) -> bytes:
    """Append what a ranking says: protobuf allows fields in any order, and a zero to be written."""
    return packed + _SCORES.pack(_SCORE_TAG, score, _RANKING_SCORE_TAG, ranking_score, _REASON_TAG, _REASONS[reason])
