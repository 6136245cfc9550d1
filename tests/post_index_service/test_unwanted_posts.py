"""Posts that a user does not want to see: left out of the ranking, or, in a page to come, out of the page alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.index_posts import IndexPosts
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.query_checks import MOST_EXCLUSIONS
from tests.post_index_service.test_index import BUNDLE_ID, USER_WEIGHT, all_pages, embedding, ids_of


@pytest.fixture(scope="module")
def index(index_posts: IndexPosts) -> PostIndex:
    return PostIndex(index_posts, bundle_id=BUNDLE_ID, user_weight=USER_WEIGHT)


@pytest.mark.parametrize("category_id", [None, 2])
@pytest.mark.parametrize("has_mood", [False, True])
@given(data=st.data())
def test_the_rest_of_the_ranking_stays_as_it_was(
    index: PostIndex, index_posts: IndexPosts, category_id: int | None, has_mood: bool, data: st.DataObject
) -> None:
    ids = st.lists(st.sampled_from([*index_posts.post_ids.tolist(), 123_456]), max_size=12)
    unwanted, seen, withheld = data.draw(ids), data.draw(ids), data.draw(ids)
    mood = embedding(index.text_space, 2) if has_mood else None
    query = Query(embedding(index.tower_space, 1), mood, category_id=category_id, seen_post_ids=seen)
    whole = [ranked.post.post_id for ranked in all_pages(index, query, 100)]
    wanted = [post_id for post_id in whole if post_id not in unwanted]
    without = query._replace(not_interested_post_ids=unwanted)
    assert [ranked.post.post_id for ranked in all_pages(index, without, 100)] == wanted
    for offset in range(0, len(wanted), 7):
        page = without._replace(withheld_post_ids=withheld, offset=offset, limit=7)
        assert ids_of(index, page) == [post_id for post_id in wanted[offset : offset + 7] if post_id not in withheld]
        assert index.search(page).has_more == (offset + 7 < len(wanted))


def test_they_do_not_count_among_the_exclusions_of_a_request(index: PostIndex, index_posts: IndexPosts) -> None:
    many = range(20_000, 20_000 + 3 * MOST_EXCLUSIONS)
    query = Query(embedding(index.tower_space, 1), not_interested_post_ids=many, withheld_post_ids=many, limit=100)
    assert len(ids_of(index, query)) == len(index_posts.post_ids)
