"""Serialised posts of a shard, with what only all shards together can tell."""

import struct

from gateway.shard_reordering import PagePost
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2

_NUMBER_FIELD = struct.Struct("<Bf")
_REASON_FIELD = struct.Struct("<BB")
_ENUM, _FOUR_BYTES = 0, 5  # the wire types of an enum and a float
_RANKING_SCORE_TAG = post_index_pb2.RankedPost.RANKING_SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES
_REASON_TAG = post_index_pb2.RankedPost.REASON_FIELD_NUMBER << 3 | _ENUM
_EXPLORED = _REASON_FIELD.pack(_REASON_TAG, feed_pb2.REASON_EXPLORATION)


def as_shown(serialised: bytes, post: PagePost) -> bytes:
    """A serialised post with its number and reason on the page: of a field that comes twice, the last one counts."""
    if post.number is not None:
        serialised += _NUMBER_FIELD.pack(_RANKING_SCORE_TAG, post.number)
    return serialised + _EXPLORED if post.is_explored else serialised
