"""Serialises posts when they are first shown, and keeps the bytes as long as their index is held.

docs/decisions/lru.md says why the bytes are kept in a plain dict.
"""

import struct
from weakref import WeakKeyDictionary

import numpy as np

from bundle.served_posts import ServedPost
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.explanations import Explanation
from post_index_service.index import PostIndex
from post_index_service.reasons import Reason
from post_index_service.search_results import SearchResult
from rpc.tracing import current, staged

_MOST_PACKED = 100_000
_LAST_FIELDS = struct.Struct("<BfBfBB")
_NUMBER, _FOUR_BYTES = 0, 5  # the wire types of an enum and a float
_SCORE_TAG = post_index_pb2.RankedPost.SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES
_REASON_TAG = post_index_pb2.RankedPost.REASON_FIELD_NUMBER << 3 | _NUMBER
_REASON_NUMBERS = {reason: feed_pb2.Reason.Value(reason.value) for reason in Reason}  # one byte each
_RANKING_SCORE_TAG = post_index_pb2.RankedPost.RANKING_SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES


class PackedPosts:
    """Serialises the posts of search results; may be called from several threads."""

    def __init__(self) -> None:
        self._packed: WeakKeyDictionary[PostIndex, dict[int, bytes]] = WeakKeyDictionary()

    @staged("pack posts")
    def of(self, index: PostIndex, result: SearchResult) -> list[bytes]:
        """A serialised RankedPost for each post of a result of ``index``, in its order."""
        current().note(bundle=index.bundle_id)
        packed = self._packed.setdefault(index, {})
        missing = [row for row in result.rows if row not in packed]
        if missing:
            if len(packed) > _MOST_PACKED:
                packed, missing = {}, list(result.rows)
                self._packed[index] = packed
            packed.update(zip(missing, map(pack, result.served.at(np.array(missing))), strict=True))
        posts = [
            with_scores(packed[row], score, ranking_score, reason)
            for row, score, ranking_score, reason in zip(
                result.rows, result.scores, result.ranking_scores, result.reasons, strict=True
            )
        ]
        if result.explanations:
            posts = [with_explanation(*pair) for pair in zip(posts, result.explanations, strict=True)]
        return posts


def pack(post: ServedPost) -> bytes:
    """A serialised RankedPost without its scores, which ``with_scores`` appends."""
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
    """Append what depends on the ranking to a serialised RankedPost.

    Protobuf allows fields in any order, and a zero to be written.
    """
    return packed + _LAST_FIELDS.pack(
        _SCORE_TAG, score, _RANKING_SCORE_TAG, ranking_score, _REASON_TAG, _REASON_NUMBERS[reason]
    )


def with_explanation(packed: bytes, explanation: Explanation) -> bytes:
    """Append an explanation to a serialised RankedPost: two messages of a type, one after the other, are one."""
    message = feed_pb2.Explanation(
        user_score=explanation.user_score,
        mood_closeness=explanation.mood_closeness,
        popularity=explanation.popularity,
        history=[
            feed_pb2.HistoryPost(post_id=post_id, closeness=closeness) for post_id, closeness in explanation.history
        ],
        rules=explanation.rules,
        is_seen=explanation.is_seen,
        similarity=explanation.similarity,
        popularity_share=explanation.popularity_share,
        category_lift=explanation.category_lift,
        next_post=explanation.next_post,
    )
    return packed + post_index_pb2.RankedPost(explanation=message).SerializeToString()
