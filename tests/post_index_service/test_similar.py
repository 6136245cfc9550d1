"""Posts that are most like a post, beside brute force: in the bundle, and in what lies over it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.embedding_space import Embedding
from bundle.index_posts import IndexPosts
from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.rankings import Ranking
from post_index_service.reasons import Reason
from post_index_service.search_errors import PostNotFoundError
from post_index_service.search_results import RankedPost
from store.sql_store import open_store
from tests.post_index_service.conftest import unit_rows
from tests.post_index_service.live_world import USER_WEIGHT, USERS, Form, index_posts_of


@pytest.fixture(scope="module", params=[4_096, 0], ids=["vectors", "codes"])
def index(request: pytest.FixtureRequest, index_posts: IndexPosts) -> PostIndex:
    return PostIndex(index_posts, bundle_id="b" * 64, user_weight=USER_WEIGHT, most_dense=request.param)


def user_of(index: PostIndex) -> Embedding:
    values = unit_rows(np.random.default_rng(3), 1, index.tower_space.dimension)[0]
    return Embedding(index.tower_space, values)


def brute_force(posts: IndexPosts, query: Query) -> list[tuple[int, np.float32]]:
    """The whole ranking, by the contract: id and score."""
    (seed,) = np.flatnonzero(posts.post_ids == query.similar_to_post_id)
    closeness = np.einsum("rd,d->r", posts.tower_embeddings, posts.tower_embeddings[seed])
    number = closeness
    if query.user is not None:
        users = np.einsum("rd,d->r", posts.tower_embeddings, query.user.values)
        number = closeness + np.float32(USER_WEIGHT) * users
    left_out = {*query.exclude_post_ids, *query.not_interested_post_ids, query.similar_to_post_id}
    rows = [
        row
        for row, post_id in enumerate(posts.post_ids.tolist())
        if post_id not in left_out and query.category_id in {None, int(posts.category_ids[row])}
    ]
    seen = set(query.seen_post_ids)
    rows.sort(key=lambda row: (int(posts.post_ids[row]) in seen, -number[row], posts.post_ids[row]))
    return [(int(posts.post_ids[row]), closeness[row]) for row in rows]


def all_pages(index: PostIndex, query: Query, limit: int) -> list[RankedPost]:
    found: list[RankedPost] = []
    while True:
        page = index.search(query._replace(offset=len(found), limit=limit))
        found += page.posts
        if not page.has_more:
            return found


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_the_most_similar_posts_are_those_of_brute_force(
    index: PostIndex, index_posts: IndexPosts, data: st.DataObject
) -> None:
    ids = st.lists(st.sampled_from(index_posts.post_ids.tolist()), max_size=6)
    query = Query(
        user=data.draw(st.sampled_from([None, user_of(index)])),
        similar_to_post_id=data.draw(st.sampled_from(index_posts.post_ids.tolist())),
        category_id=data.draw(st.sampled_from([None, *(item.category.category_id for item in index.categories())])),
        exclude_post_ids=data.draw(ids),
        not_interested_post_ids=data.draw(ids),
        seen_post_ids=data.draw(ids),
    )
    found = all_pages(index, query, data.draw(st.integers(1, 20)))
    assert [(ranked.post.post_id, ranked.score) for ranked in found] == brute_force(index_posts, query)
    numbers = [ranked.ranking_score for ranked in found]
    assert numbers == sorted(numbers, reverse=True)
    assert {ranked.reason for ranked in found} <= {Reason.SIMILAR}


def test_a_mood_and_trends_are_not_used(index: PostIndex, index_posts: IndexPosts) -> None:
    mood = Embedding(index.text_space, unit_rows(np.random.default_rng(3), 1, index.text_space.dimension)[0])
    query = Query(similar_to_post_id=int(index_posts.post_ids[0]))
    plain = index.search(query)
    assert plain.ranking is Ranking.SIMILAR
    assert index.search(query._replace(mood=mood, trending=True)).rows == plain.rows


def test_a_post_goes_by_its_id_at_the_source_too(index: PostIndex, index_posts: IndexPosts) -> None:
    row, external_id = next(iter(index_posts.posts.external_ids()))
    post_id = int(index_posts.post_ids[row])
    (first, *_) = index.ids_called(external_id.decode())
    named = index.search(Query(similar_to_external_id=external_id.decode()))
    assert named.rows == index.search(Query(similar_to_post_id=first)).rows
    assert post_id in index.ids_called(external_id.decode())


@pytest.mark.parametrize("named", [{"similar_to_post_id": 123_456}, {"similar_to_external_id": "no such"}])
def test_a_post_that_is_not_there_is_not_found(index: PostIndex, named: dict[str, object]) -> None:
    with pytest.raises(PostNotFoundError):
        index.search(Query(**named))


def test_posts_that_came_changed_and_went_count_as_of_a_position(tmp_path: Path) -> None:
    of_bundle = [Form(1, 2, 0, 0), Form(2, 2, 1, 1), Form(3, 5, 2, 2)]
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        tail = LogTail(lambda: store)
        with tail.followed():
            index = PostIndex(
                index_posts_of(of_bundle, dict.fromkeys((1, 2, 3), 0.5)),
                bundle_id="0" * 64,
                user_weight=USER_WEIGHT,
                trends=PostTrends.none(3),
                log=tail,
            )

            def write(form: Form) -> int:
                revision, _ = store.upsert_posts([form.new()])
                return store.keep_embeddings("0" * 64, [form.embedding(revision)])

            def similar(post_id: int, at_least: int, **fields: object) -> list[int]:
                query = Query(similar_to_post_id=post_id, at_least_position=at_least, seconds=30, **fields)
                return [ranked.post.post_id for ranked in index.search(query).posts]

            position = write(Form(9, 2, 2, 2, external_id="nine"))  # a twin of 3
            assert similar(3, position)[0] == 9
            assert similar(9, position)[0] == 3
            assert index.search(Query(similar_to_external_id="nine")).posts[0].post.post_id == 3
            user = Embedding(index.tower_space, USERS[0])
            with_user = index.search(Query(user=user, similar_to_post_id=9)).posts
            assert {ranked.post.post_id for ranked in with_user} == {1, 2, 3}
            first = index.search(Query(similar_to_post_id=9, limit=1))

            position = write(Form(9, 2, 1, 1))  # now a twin of 2
            assert similar(9, position)[0] == 2
            assert similar(9, position, posts_position=first.posts_position)[0] == 3
            position = store.delete_posts([9])
            with pytest.raises(PostNotFoundError):
                similar(9, position)
            later = similar(9, position, posts_position=first.posts_position, offset=1)
            assert later == similar(9, position, posts_position=first.posts_position)[1:]
            assert 9 not in similar(2, position)
            position = store.delete_posts([3])
            with pytest.raises(PostNotFoundError):
                similar(3, position)
