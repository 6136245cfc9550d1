from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace
from bundle.index_posts import IndexPosts
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.rankings import Ranking
from post_index_service.search_errors import (
    CategoryNotFoundError,
    EmbeddingSpaceMismatchError,
    InvalidEmbeddingError,
    InvalidSearchError,
)
from post_index_service.search_results import RankedPost

BUNDLE_ID = "b" * 64
USER_WEIGHT = 0.75
CALLED = [f"video-{number}" for number in range(20)]


@pytest.fixture(scope="session")
def index(index_posts: IndexPosts) -> PostIndex:
    return PostIndex(index_posts, bundle_id=BUNDLE_ID, user_weight=USER_WEIGHT)


def embedding(space: EmbeddingSpace, seed: int) -> Embedding:
    values = np.random.default_rng(seed).normal(size=space.dimension).astype(np.float32)
    return Embedding(space, values / np.linalg.norm(values))


def ids_of(index: PostIndex, query: Query) -> list[int]:
    return [ranked.post.post_id for ranked in index.search(query).posts]


def all_pages(index: PostIndex, query: Query, limit: int) -> list[RankedPost]:
    found: list[RankedPost] = []
    offset = 0
    while True:
        page = index.search(query._replace(offset=offset, limit=limit))
        found += page.posts
        if not page.has_more:
            return found
        assert len(page.posts) == limit
        offset += limit


def expected(posts: IndexPosts, query: Query) -> list[int]:
    """The whole ranking, written from the contract in plain Python."""

    def rank(rows: list[int]) -> list[int]:
        def by(scores: np.ndarray, some: list[int]) -> list[int]:
            return sorted(some, key=lambda row: (-scores[row], posts.post_ids[row]))

        user = None if query.user is None else np.einsum("rd,d->r", posts.tower_embeddings, query.user.values)
        mood = None if query.mood is None else np.einsum("rd,d->r", posts.text_embeddings, query.mood.values)
        if user is not None and mood is not None:
            return by(mood + USER_WEIGHT * user, rows)
        if user is not None:
            return by(user, rows)
        return by(mood if mood is not None else posts.popularity, rows)

    rows = [
        row
        for row, (post_id, category) in enumerate(zip(posts.post_ids, posts.category_ids, strict=True))
        if query.category_id in {None, int(category)}
        and int(post_id) not in query.exclude_post_ids
        and posts.posts[row].external_id not in query.exclude_external_ids
    ]
    unseen = [row for row in rows if int(posts.post_ids[row]) not in query.seen_post_ids]
    seen = [row for row in rows if int(posts.post_ids[row]) in query.seen_post_ids]
    return [int(posts.post_ids[row]) for row in (*rank(unseen), *rank(seen))]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_pages_of_any_search_are_the_whole_ranking_once(
    data: st.DataObject, index: PostIndex, index_posts: IndexPosts
) -> None:
    some_ids = st.lists(st.sampled_from([*index_posts.post_ids.tolist(), -1, 99_999]), max_size=30)
    query = Query(
        user=embedding(index.tower_space, data.draw(st.integers(0, 9))) if data.draw(st.booleans()) else None,
        mood=embedding(index.text_space, data.draw(st.integers(0, 9))) if data.draw(st.booleans()) else None,
        category_id=data.draw(st.sampled_from([None, 2, 7])),
        exclude_post_ids=data.draw(some_ids),
        exclude_external_ids=data.draw(st.lists(st.sampled_from([*CALLED, "video", "10"]), max_size=5)),
        seen_post_ids=data.draw(some_ids),
    )
    found = all_pages(index, query, data.draw(st.sampled_from([1, 4, 10, 100])))
    assert [ranked.post.post_id for ranked in found] == expected(index_posts, query)
    numbers = [ranked.ranking_score for ranked in found]
    assert numbers == sorted(numbers, reverse=True)
    seen = {ranked.ranking_score for ranked in found if ranked.post.post_id in query.seen_post_ids}
    unseen = {ranked.ranking_score for ranked in found if ranked.post.post_id not in query.seen_post_ids}
    assert max(seen, default=-np.inf) < min(unseen, default=np.inf)


def test_each_combination_of_embeddings_has_its_rule(index: PostIndex) -> None:
    user, mood = embedding(index.tower_space, 1), embedding(index.text_space, 1)
    assert index.search(Query(user=user)).ranking == Ranking.USER
    assert index.search(Query(mood=mood)).ranking == Ranking.MOOD
    assert index.search(Query(user=user, mood=mood)).ranking == Ranking.MOOD_THEN_USER
    assert index.search(Query()).ranking == Ranking.POPULAR


def test_the_contract_has_a_value_for_every_ranking() -> None:
    names = set(post_index_pb2.SearchRanking.DESCRIPTOR.values_by_name) - {"SEARCH_RANKING_UNSPECIFIED"}
    assert {f"SEARCH_RANKING_{ranking.name}" for ranking in Ranking} == names


def test_a_category_feed_holds_no_post_of_another_category(index: PostIndex) -> None:
    found = index.search(Query(user=embedding(index.tower_space, 3), category_id=7, limit=100)).posts
    assert {ranked.post.category_id for ranked in found} == {7}
    assert len(found) == 9


def test_posts_without_a_category_are_in_the_feed_over_all_of_them(index: PostIndex) -> None:
    found = index.search(Query(user=embedding(index.tower_space, 3), limit=100)).posts
    assert sum(ranked.post.category_id == 0 for ranked in found) == 5


@pytest.mark.parametrize("category_id", [0, 1, -1, 2**31 - 1])
def test_a_category_without_a_servable_post_is_not_found(index: PostIndex, category_id: int) -> None:
    with pytest.raises(CategoryNotFoundError, match=r"^invalid category id$"):
        index.search(Query(category_id=category_id))


def test_categories_are_listed_with_their_counts(index: PostIndex) -> None:
    assert [(item.category.category_id, item.post_count) for item in index.categories()] == [(2, 40), (7, 9)]


def test_beyond_the_end_there_is_an_empty_last_page(index: PostIndex) -> None:
    result = index.search(Query(offset=1000))
    assert result.posts == ()
    assert not result.has_more


@pytest.mark.parametrize(
    "space",
    [
        EmbeddingSpace("c" * 64, EmbeddingKind.TOWER, 8),
        EmbeddingSpace(BUNDLE_ID, EmbeddingKind.TEXT, 8),
        EmbeddingSpace(BUNDLE_ID, EmbeddingKind.TOWER, 9),
    ],
)
def test_an_embedding_of_another_space_is_refused_with_both_spaces_named(
    index: PostIndex, space: EmbeddingSpace
) -> None:
    with pytest.raises(EmbeddingSpaceMismatchError) as caught:
        index.search(Query(user=embedding(space, 0)))
    assert space.bundle_id in str(caught.value)
    assert BUNDLE_ID in str(caught.value)
    assert caught.value.metadata == {"embedding_bundle_id": space.bundle_id, "index_bundle_id": BUNDLE_ID}


@pytest.mark.parametrize("spoil", [np.nan, np.inf, -np.inf, 0.0, 5.0])
def test_an_embedding_that_is_no_unit_vector_is_refused(index: PostIndex, spoil: float) -> None:
    values = embedding(index.tower_space, 0).values.copy()
    values[np.argmax(np.abs(values))] = spoil
    with pytest.raises(InvalidEmbeddingError):
        index.search(Query(user=Embedding(index.tower_space, values)))


@pytest.mark.parametrize(
    "query",
    [
        Query(limit=0),
        Query(limit=101),
        Query(limit=-1),
        Query(offset=-1),
        Query(exclude_post_ids=range(1001)),
        Query(exclude_external_ids=["x"] * 1001),
        Query(exclude_post_ids=range(500), exclude_external_ids=["x"] * 501),
    ],
)
def test_numbers_out_of_range_are_refused(index: PostIndex, query: Query) -> None:
    with pytest.raises(InvalidSearchError):
        index.search(query)


def test_any_number_of_posts_may_be_seen_in_any_order_and_twice(index: PostIndex, index_posts: IndexPosts) -> None:
    unseen, seen = index_posts.post_ids[:9].tolist(), index_posts.post_ids[9:].tolist()
    query = Query(seen_post_ids=[*range(20_000, 220_000), *seen[::-1], *seen], limit=9)
    assert sorted(ids_of(index, query)) == sorted(unseen)
    assert sorted(ranked.post.post_id for ranked in all_pages(index, query, 7)) == sorted([*unseen, *seen])


def test_two_moods_give_one_person_different_feeds_and_two_people_too(index: PostIndex) -> None:
    users = [embedding(index.tower_space, seed) for seed in (1, 2)]
    moods = [embedding(index.text_space, seed) for seed in (1, 2)]
    feeds = [ids_of(index, Query(user=user, mood=mood, category_id=2)) for user in users for mood in moods]
    assert len({tuple(feed) for feed in feeds}) == 4
    assert feeds[0] == ids_of(index, Query(user=users[0], mood=moods[0], category_id=2))


@pytest.mark.parametrize(("user_weight", "like"), [(0.0, "mood"), (1e4, "user")])
def test_the_weight_decides_between_mood_and_user(index_posts: IndexPosts, user_weight: float, like: str) -> None:
    weighed = PostIndex(index_posts, bundle_id=BUNDLE_ID, user_weight=user_weight)
    user, mood = embedding(weighed.tower_space, 3), embedding(weighed.text_space, 3)
    alone = Query(mood=mood, category_id=7) if like == "mood" else Query(user=user, category_id=7)
    assert ids_of(weighed, Query(user=user, mood=mood, category_id=7)) == ids_of(weighed, alone)


def test_a_score_is_the_users_also_where_the_mood_has_a_say(index: PostIndex, index_posts: IndexPosts) -> None:
    user, mood = embedding(index.tower_space, 4), embedding(index.text_space, 4)
    for ranked in index.search(Query(user=user, mood=mood)).posts:
        row = int(np.flatnonzero(index_posts.post_ids == ranked.post.post_id)[0])
        assert ranked.score == pytest.approx(float(index_posts.tower_embeddings[row] @ user.values), abs=1e-5)


@pytest.mark.parametrize("category_id", [None, 2, 7])
@pytest.mark.parametrize("user_weight", [0.0, 0.75, 1e4])
def test_a_ranking_score_is_what_the_rule_says_and_lower_for_what_was_seen(
    index_posts: IndexPosts, user_weight: float, category_id: int | None
) -> None:
    index = PostIndex(index_posts, bundle_id=BUNDLE_ID, user_weight=user_weight)
    user, mood = embedding(index.tower_space, 4), embedding(index.text_space, 4)
    by_user, by_mood = index_posts.tower_embeddings @ user.values, index_posts.text_embeddings @ mood.values
    row_of = {int(post_id): row for row, post_id in enumerate(index_posts.post_ids)}
    seen = index_posts.post_ids[::4].tolist()
    for query, numbers, lower in (
        (Query(user=user), by_user, 3),
        (Query(mood=mood), by_mood, 3),
        (Query(user=user, mood=mood), by_mood + user_weight * by_user, 3 * (1 + user_weight)),
        (Query(), index_posts.popularity, 3),
    ):
        for ranked in all_pages(index, query._replace(seen_post_ids=seen, category_id=category_id), 20):
            is_seen = ranked.post.post_id in seen
            number = float(numbers[row_of[ranked.post.post_id]])
            # The terms of a number are up to `lower` in size, and each processor adds them up in its own order.
            tolerance = 1e-5 + 1e-7 * lower
            assert ranked.ranking_score == pytest.approx(number - (lower if is_seen else 0), rel=1e-6, abs=tolerance)


def test_posts_are_excluded_by_the_exact_external_id_only(index: PostIndex, index_posts: IndexPosts) -> None:
    everything = {ranked.post for ranked in all_pages(index, Query(), 100)}
    for category_id in (None, 2, 7):
        excluded = ["video-4", "video-5", "Video-7", "video-8 ", "", str(index_posts.post_ids[0])]
        query = Query(category_id=category_id, exclude_external_ids=excluded)
        found = {ranked.post for ranked in all_pages(index, query, 100)}
        gone = everything - found if category_id is None else {p for p in everything if p.category_id == category_id}
        assert {post for post in gone if post not in found} == {
            post
            for post in everything
            if category_id in {None, post.category_id} and post.external_id in {"video-4", "video-5"}
        }


def test_two_external_ids_of_one_hash_are_told_apart(index_posts: IndexPosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("post_index_service.external_ids.hash", len, raising=False)
    index = PostIndex(index_posts, bundle_id=BUNDLE_ID, user_weight=USER_WEIGHT)
    found = all_pages(index, Query(exclude_external_ids=["video-4"]), 100)
    assert {ranked.post.external_id for ranked in found} == {"", *CALLED} - {"video-4"}


def test_a_post_that_says_nothing_is_as_near_to_one_mood_as_to_another(index_posts: IndexPosts) -> None:
    text = index_posts.text_embeddings.copy()
    text[0] = 0
    index = PostIndex(replace(index_posts, text_embeddings=text), bundle_id=BUNDLE_ID, user_weight=USER_WEIGHT)
    for seed in (1, 2):
        found = index.search(Query(mood=embedding(index.text_space, seed), limit=100)).posts
        assert [ranked.score for ranked in found if ranked.post.post_id == index_posts.post_ids[0]] == [0.0]
