"""Whatever the vectors are, a search finds what brute force finds: the codes only decide how much is ranked again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle.directory import open_bundle
from bundle.embedding_space import Embedding, EmbeddingSpace
from bundle.index_posts import Category, IndexPosts
from bundle.served_posts import PostTable, ServedPost
from post_index_service import ranking
from post_index_service.closeness import Closeness, RememberedCloseness
from post_index_service.codes import Codes, rounding_of_products
from post_index_service.index import PostIndex
from post_index_service.loading import load
from post_index_service.query import Query
from post_index_service.ranking import DenseScan, InnerProduct
from post_index_service.rankings import Ranking
from post_index_service.recall import measure_recall
from tests.post_index_service.conftest import unit_rows

TOWER, TEXT, USER_WEIGHT = 16, 24, 0.4
SIZES = {0: 700, 1: 3000, 2: 1, 3: 40, 4: 1500}


def normal(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    return unit_rows(random, rows, dimension)


def twins(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    """Each vector a hundred times, so that every cut runs through ties."""
    return unit_rows(random, rows // 100 + 1, dimension)[random.integers(0, rows // 100 + 1, rows)]


def all_alike(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    return np.repeat(unit_rows(random, 1, dimension), rows, axis=0)


def huddled(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    """So near to each other that float32 tells them apart and little else does."""
    rows_around_one = unit_rows(random, 1, dimension) + 1e-4 * unit_rows(random, rows, dimension)
    return (rows_around_one / np.linalg.norm(rows_around_one, axis=1, keepdims=True)).astype(np.float32)


def spiked(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    """A few vectors along an axis, which make the steps of all others coarse."""
    vectors = unit_rows(random, rows, dimension) * 1.0
    vectors[::50] = np.eye(dimension, dtype=np.float32)[random.integers(0, dimension, len(vectors[::50]))]
    return vectors


KINDS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "normal": normal,
    "twins": twins,
    "all alike": all_alike,
    "huddled": huddled,
    "spiked": spiked,
}


def make_posts(kind: str, *, seed: int = 0) -> IndexPosts:
    random = np.random.default_rng(seed)
    count = sum(SIZES.values())
    category_ids = np.repeat(list(SIZES), list(SIZES.values())).astype(np.int32)
    post_ids = random.permutation(10 * count)[:count].astype(np.int64)
    post_ids = post_ids[np.lexsort((post_ids, category_ids))]
    text = KINDS[kind](random, count, TEXT).astype(np.float16)
    text[random.random(count) < 0.1] = 0  # posts without words
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=KINDS[kind](random, count, TOWER).astype(np.float32),
        text_embeddings=text,
        popularity=np.round(random.random(count), 2).astype(np.float32),
        created_ms=np.zeros(count, np.int64),
        posts=PostTable.of(
            ServedPost(int(post_id), "", "", "", int(category), "")
            for post_id, category in zip(post_ids, category_ids, strict=True)
        ),
        categories=tuple(Category(number, str(number)) for number in SIZES if number),
    )


def index_of(posts: IndexPosts, **options: int) -> PostIndex:
    return PostIndex(posts, bundle_id="b" * 64, user_weight=USER_WEIGHT, **options)


def embedding(space: EmbeddingSpace, values: np.ndarray) -> Embedding:
    return Embedding(space, values.astype(np.float32))


def brute_force(posts: IndexPosts, query: Query) -> tuple[list[int], list[float]]:
    """The whole ranking and what is shown as scores, by the contract."""
    user = None if query.user is None else np.einsum("rd,d->r", posts.tower_embeddings, query.user.values)
    text = posts.text_embeddings.astype(np.float32)
    mood = None if query.mood is None else np.einsum("rd,d->r", text, query.mood.values)
    if mood is None:
        by = shown = posts.popularity if user is None else user
    else:
        by = mood if user is None else mood + np.float32(USER_WEIGHT) * user
        shown = mood if user is None else user
    is_asked = np.full(len(posts.post_ids), query.category_id is None) | (posts.category_ids == query.category_id)
    rows = np.flatnonzero(is_asked & ~np.isin(posts.post_ids, query.exclude_post_ids))
    rows = rows[np.lexsort((posts.post_ids[rows], -by[rows], np.isin(posts.post_ids[rows], query.seen_post_ids)))]
    return posts.post_ids[rows].tolist(), shown[rows].tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("category_id", [None, *(number for number in SIZES if number)])
@pytest.mark.parametrize(
    ("with_user", "with_mood", "most_dense"),
    [
        (True, False, 0),
        (True, False, 10_000),
        (False, True, 0),
        (False, True, 10_000),
        (True, True, 0),
        (True, True, 10_000),
        (False, False, 0),
    ],
)
def test_a_search_is_what_brute_force_finds(
    kind: str, category_id: int | None, with_user: bool, with_mood: bool, most_dense: int
) -> None:
    posts = make_posts(kind)
    index = index_of(posts, most_dense=most_dense)
    random = np.random.default_rng(7)
    queries = [
        (unit_rows(random, 1, TOWER)[0], unit_rows(random, 1, TEXT)[0]),
        (posts.tower_embeddings[900], unit_rows(random, 1, TEXT)[0]),
    ]
    for user, mood in queries:
        plain = Query(
            user=embedding(index.tower_space, user) if with_user else None,
            mood=embedding(index.text_space, mood) if with_mood else None,
            category_id=category_id,
        )
        best = brute_force(posts, plain)[0]
        for left_out in (
            plain,
            plain._replace(exclude_post_ids=best[:30:2]),
            plain._replace(seen_post_ids=best[:400], exclude_post_ids=[*best[5:20], -1]),
            plain._replace(seen_post_ids=best),
        ):
            expected_ids, expected_scores = brute_force(posts, left_out)
            for offset, limit in ((0, 10), (15, 100), (max(len(expected_ids) - 5, 0), 10)):
                found = index.search(left_out._replace(offset=offset, limit=limit))
                assert [item.post.post_id for item in found.posts] == expected_ids[offset : offset + limit]
                assert [item.score for item in found.posts] == expected_scores[offset : offset + limit]
                assert found.has_more == (offset + limit < len(expected_ids))


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_of_the_codes_is_never_further_off_than_they_say(kind: str) -> None:
    posts = make_posts(kind)
    codes = Codes.of(posts.text_embeddings, posts.tower_embeddings)
    random = np.random.default_rng(1)
    vectors = np.hstack([posts.text_embeddings, posts.tower_embeddings], dtype=np.float64)
    for weight in (0.0, 0.4, 100.0):
        queries = unit_rows(random, 1, TEXT)[0], np.float32(weight) * unit_rows(random, 1, TOWER)[0]
        coded = codes.query(*queries)
        scores = (codes.matrix.astype(np.float64) - 128) @ coded.values * coded.unit + coded.constant
        assert np.abs(scores - vectors @ np.concatenate(queries)).max() <= coded.error
        rows, bound = codes.nearest(slice(700, 3700), coded, 20)
        others = np.setdiff1d(np.arange(3000), rows)
        assert (vectors[700:3700][others] @ np.concatenate(queries)).max() <= bound


def test_few_are_ranked_again_where_the_vectors_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    nearest = Codes.nearest
    monkeypatch.setattr(Codes, "nearest", lambda *args: fetched.append(args[-1]) or nearest(*args))
    index = index_of(make_posts("normal"), most_dense=0)
    for seed in range(20):
        user = unit_rows(np.random.default_rng(seed), 1, TOWER)[0]
        index.search(Query(user=embedding(index.tower_space, user), category_id=1))
    assert fetched == [84] * 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_dense_score_is_never_further_off_than_it_says(kind: str) -> None:
    vectors = KINDS[kind](np.random.default_rng(0), 3000, TOWER).astype(np.float32)
    error = rounding_of_products(vectors)
    for query in unit_rows(np.random.default_rng(1), 20, TOWER):
        exact = vectors.astype(np.float64) @ query.astype(np.float64)
        assert np.abs(vectors @ query - exact).max() <= error / 2
        assert np.abs(InnerProduct(vectors, query).of(np.arange(3000)) - exact).max() <= error / 2
        rows, bound = DenseScan(InnerProduct(vectors, query), error).nearest(20, skip=np.arange(100))
        assert rows.min() >= 100
        assert exact[np.setdiff1d(np.arange(100, 3000), rows)].max() <= bound


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.4, -3.0, 1e4])
def test_a_dense_score_beside_a_closeness_is_never_further_off_than_it_says(kind: str, weight: float) -> None:
    random = np.random.default_rng(0)
    vectors = KINDS[kind](random, 3000, TOWER).astype(np.float32)
    texts = unit_rows(random, 3000, TEXT)
    rows = np.arange(3000)
    for user, mood in zip(unit_rows(random, 20, TOWER), unit_rows(random, 20, TEXT), strict=True):
        scores = InnerProduct(texts, mood).of(rows)
        closeness = Closeness(scores, float(np.abs(scores).max()))
        by_user = InnerProduct(vectors, user, weight)
        sums = scores + np.float32(weight) * by_user.of(rows)
        found, bound = DenseScan(by_user, rounding_of_products(vectors), closeness).nearest(20, skip=rows[:100])
        assert found.min() >= 100
        assert sums[np.setdiff1d(rows[100:], found)].max() <= bound


def test_a_mood_that_comes_again_is_found_by_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[int] = []
    nearest = Codes.nearest
    monkeypatch.setattr(Codes, "nearest", lambda *args: scans.append(args[-1]) or nearest(*args))
    index = index_of(make_posts("normal"))
    random = np.random.default_rng(3)
    mood, other_mood = (embedding(index.text_space, row) for row in unit_rows(random, 2, TEXT))
    users = [embedding(index.tower_space, row) for row in unit_rows(random, 4, TOWER)]
    answers = [index.search(Query(user, mood, category_id=1)).rows for user in users]
    assert len(scans) == 1
    assert len(set(answers)) == 4  # each user's own
    index.search(Query(mood=other_mood, category_id=1))
    index.search(Query(mood=mood, category_id=4))
    assert len(scans) == 3


def test_a_mood_is_remembered_for_the_first_category_and_for_all_posts_apart() -> None:
    posts = make_posts("normal")
    rows = np.flatnonzero(posts.category_ids == 4)
    rows = np.concatenate([np.flatnonzero(posts.category_ids == 3), rows])  # both begin at row 0: category 3, and all
    few = replace(
        posts,
        post_ids=posts.post_ids[rows],
        category_ids=posts.category_ids[rows],
        tower_embeddings=posts.tower_embeddings[rows],
        text_embeddings=posts.text_embeddings[rows],
        popularity=posts.popularity[rows],
        posts=PostTable.of(posts.posts.at(rows)),
    )
    index = index_of(few)
    mood = embedding(index.text_space, unit_rows(np.random.default_rng(5), 1, TEXT)[0])
    for category_id in (3, None, 3, None, 3, None):
        query = Query(mood=mood, category_id=category_id)
        assert [item.post.post_id for item in index.search(query).posts] == brute_force(few, query)[0][:10]


def test_remembered_closeness_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    remembered = RememberedCloseness(most_values=300)
    computed: list[int] = []

    def ask(number: int) -> Closeness | None:
        def compute() -> np.ndarray:
            computed.append(number)
            return np.full(100, number, dtype=np.float32)

        return remembered.of(np.float32([number, 1]), 5, compute)

    assert [ask(number) for number in range(4)] == [None] * 4
    for number in (0, 1, 2, 0, 3):  # 3 drives out 1, which was not asked for since
        assert set(ask(number).scores.tolist()) == {number}
    assert computed == [0, 1, 2, 3]
    ask(0), ask(2), ask(3)
    assert computed == [0, 1, 2, 3]
    ask(1)
    assert computed == [0, 1, 2, 3, 1]


def test_the_pages_of_a_shortlist_are_every_post_once_and_begin_with_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_SHORTLISTED", 60)
    posts = make_posts("normal")
    index = index_of(posts, most_exact=100)
    user = embedding(index.tower_space, unit_rows(np.random.default_rng(3), 1, TOWER)[0])
    best = brute_force(posts, Query(user=user))[0]
    query = Query(user=user, exclude_post_ids=best[1:8], seen_post_ids=[*best[20:25], *best[:1]], limit=100)
    ranked = [item for offset in range(0, len(best), 100) for item in index.search(query._replace(offset=offset)).posts]
    numbers = [item.ranking_score for item in ranked]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 50
    found = [item.post.post_id for item in ranked]
    assert sorted(found) == sorted(set(best) - set(best[1:8]))
    assert found[:10] == [*best[8:18]]
    assert set(found[-6:]) == {*best[20:25], best[0]}
    tens = [
        item.post.post_id
        for start in range(0, 90, 10)
        for item in index.search(query._replace(offset=start, limit=10)).posts
    ]
    assert tens == found[:90]
    assert index.search(query).ranking == Ranking.USER


def test_a_category_is_exact_and_others_rankings_too_where_all_categories_are_not() -> None:
    posts = make_posts("twins")
    index = index_of(posts, most_exact=100)
    random = np.random.default_rng(3)
    user, mood = unit_rows(random, 1, TOWER)[0], unit_rows(random, 1, TEXT)[0]
    for query in (
        Query(user=embedding(index.tower_space, user), category_id=1, limit=100),
        Query(user=embedding(index.tower_space, user), mood=embedding(index.text_space, mood), limit=100),
    ):
        assert [item.post.post_id for item in index.search(query).posts] == brute_force(posts, query)[0][:100]


def test_recall_is_measured_on_the_index_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = make_posts("normal")
    assert measure_recall(index_of(posts), posts) == 1.0
    assert measure_recall(index_of(posts, most_exact=100), posts) >= 0.99
    blind = index_of(posts, most_exact=100)
    assert blind.orders.shortlist is not None
    monkeypatch.setattr(type(blind.orders.shortlist), "rows", lambda self, query, count: np.arange(10))
    assert measure_recall(blind, posts) < 0.2


def test_an_index_without_posts_answers() -> None:
    empty = IndexPosts(
        post_ids=np.zeros(0, np.int64),
        category_ids=np.zeros(0, np.int32),
        tower_embeddings=np.zeros((0, TOWER), np.float32),
        text_embeddings=np.zeros((0, TEXT), np.float16),
        popularity=np.zeros(0, np.float32),
        created_ms=np.zeros(0, np.int64),
        posts=PostTable.of(()),
        categories=(),
    )
    index = index_of(empty)
    user = embedding(index.tower_space, unit_rows(np.random.default_rng(0), 1, TOWER)[0])
    assert index.search(Query(user=user, exclude_post_ids=[1])).posts == ()
    assert measure_recall(index, empty) == 1.0


def test_the_recall_of_a_bundle_is_measured_when_it_is_loaded(index_bundle: Path) -> None:
    assert load(open_bundle(index_bundle)).recall == 1.0
