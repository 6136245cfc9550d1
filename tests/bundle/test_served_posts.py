"""Packed posts are the posts that were packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.served_posts import PostTable, ServedPost

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
posts_of_any_kind = st.lists(
    st.builds(
        ServedPost,
        post_id=st.integers(-(2**63), 2**63 - 1),
        video_link=texts,
        title=texts,
        thumbnail_url=texts,
        category_id=st.integers(0, 2**31 - 1),
        owner_username=texts,
        external_id=texts,
    ),
    max_size=5,
)


@given(posts=posts_of_any_kind)
def test_what_was_packed_comes_out(posts: list[ServedPost]) -> None:
    packed = PostTable.of(posts)
    assert packed.complaint() == ""
    assert list(packed) == posts
    assert packed[:] == tuple(posts)
    assert packed[1::2] == tuple(posts[1::2])
    assert len(packed) == len(posts)
    called = [(row, post.external_id.encode()) for row, post in enumerate(posts)]
    assert [packed.external_id(row) for row in range(len(posts))] == [name for _, name in called]
    assert list(packed.external_ids()) == [pair for pair in called if pair[1]]
    for place in range(-len(posts), len(posts)):
        assert packed[place] == posts[place]
    for place in (len(posts), -len(posts) - 1):
        with pytest.raises(IndexError):
            packed[place]
