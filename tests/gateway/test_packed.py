"""The packed messages have the bytes of the contract's."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from bundle.served_posts import ServedPost
from gateway.feed_messages import open_post
from moodfeed.feed.v1 import feed_pb2
from moodfeed.packed.v1 import packed_pb2
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.packed_posts import pack, with_scores
from post_index_service.reasons import Reason

TEXTS = st.text(max_size=200)
POSTS = st.builds(
    ServedPost,
    post_id=st.integers(0, 2**63 - 1),
    video_link=TEXTS,
    title=TEXTS,
    thumbnail_url=TEXTS,
    category_id=st.integers(0, 2**31 - 1),
    owner_username=TEXTS,
    external_id=TEXTS,
)
FLOATS = st.floats(width=32, allow_nan=False)


@pytest.mark.parametrize(
    ("packed", "contract"),
    [
        (packed_pb2.PackedSearchPostsResponse, post_index_pb2.SearchPostsResponse),
        (packed_pb2.PackedGetFeedResponse, feed_pb2.GetFeedResponse),
        (packed_pb2.PackedListTrendingResponse, feed_pb2.ListTrendingResponse),
        (packed_pb2.PackedGetSimilarPostsResponse, feed_pb2.GetSimilarPostsResponse),
        (packed_pb2.PackedFeedResult, feed_pb2.FeedResult),
        (packed_pb2.PackedGetFeedsResponse, feed_pb2.GetFeedsResponse),
    ],
)
def test_a_packed_message_has_the_fields_of_the_contract(packed: type[Message], contract: type[Message]) -> None:
    assert wire_of(packed.DESCRIPTOR) == wire_of(contract.DESCRIPTOR)


def test_a_post_of_the_index_is_one_of_a_feed() -> None:
    assert wire_of(post_index_pb2.RankedPost.DESCRIPTOR) == wire_of(feed_pb2.FeedPost.DESCRIPTOR)


@given(post=POSTS, score=FLOATS, ranking_score=FLOATS, reason=st.sampled_from(Reason))
def test_a_packed_post_is_read_as_any_other(
    post: ServedPost, score: float, ranking_score: float, reason: Reason
) -> None:
    packed = packed_pb2.PackedGetFeedResponse(
        posts=[with_scores(pack(post), score, ranking_score, reason)], bundle_id="b"
    )
    all_fields = fields_of(post) | {
        "score": score,
        "ranking_score": ranking_score,
        "reason": feed_pb2.Reason.Value(reason.value),
    }
    plain = feed_pb2.GetFeedResponse(posts=[feed_pb2.FeedPost(**all_fields)], bundle_id="b")
    assert feed_pb2.GetFeedResponse.FromString(packed.SerializeToString()) == plain
    assert open_post(packed.posts[0]) == all_fields | {"reason": reason.value}


def fields_of(post: ServedPost) -> dict[str, object]:
    return {name: getattr(post, name) for name in ServedPost.__slots__ if name != "language"}


def wire_of(descriptor: Descriptor) -> dict[str, tuple[int, bool, int]]:
    """Number, plurality and type of each field; a message and bytes are the same on the wire."""
    bytes_like = {FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE}
    return {
        field.name: (field.number, field.is_repeated, -1 if field.type in bytes_like else field.type)
        for field in descriptor.fields
    }
