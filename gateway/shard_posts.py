"""Serialised posts of a shard, with what only all shards together can tell."""

import struct

from moodfeed.post_index.v1 import post_index_pb2

_FIELD = struct.Struct("<Bf")
_FOUR_BYTES = 5  # the wire type of a float
_RANKING_SCORE_TAG = post_index_pb2.RankedPost.RANKING_SCORE_FIELD_NUMBER << 3 | _FOUR_BYTES


def renumbered(post: bytes, ranking_score: float) -> bytes:
    """A serialised post with another ranking score: of a field that comes twice, the last one counts."""
    return post + _FIELD.pack(_RANKING_SCORE_TAG, ranking_score)
