"""The order by user of a blend: equal to brute force over small, large, filtered and short-listed slices."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.directory import open_bundle
from bundle.embedding_space import Embedding
from bundle.index_posts import Category, IndexPosts
from bundle.post_steps import FARTHEST, PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from compute.recent_history import NO_HISTORY, RecentHistory
from post_index_service import blended_order
from post_index_service.blended_order import ByBlend
from post_index_service.filters import NO_FILTERS, Filters
from post_index_service.index import PostIndex
from post_index_service.loading import load
from post_index_service.query import Query
from post_index_service.rankings import Ranking
from post_index_service.recall import measure_recall
from post_index_service.search_results import SearchResult
from tests.post_index_service.blended_world import BLEND, World, check_ranking
from tests.post_index_service.conftest import unit_rows, write_index_bundle

NOON = 1_700_000_000_000
DIMENSION = 16
SIZES = {0: 12, 1: 150, 2: 90, 5: 400, 9: 3}
COUNT = sum(SIZES.values())


def make_posts(seed: int = 0) -> IndexPosts:
    """Some posts are twins, and half of them nobody met, so that numbers are tied."""
    random = np.random.default_rng(seed)
    post_ids = random.permutation(random.choice(100_000, size=COUNT, replace=False)).astype(np.int64)
    category_ids = np.repeat(list(SIZES), list(SIZES.values())).astype(np.int32)
    post_ids = post_ids[np.lexsort((post_ids, category_ids))]
    tower = unit_rows(random, COUNT, DIMENSION)
    tower[random.choice(COUNT, 100)] = tower[random.choice(COUNT, 100)]
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=tower,
        text_embeddings=unit_rows(random, COUNT, 4).astype(np.float16),
        popularity=random.random(COUNT, dtype=np.float32),
        created_ms=NOON - random.integers(0, COUNT // 2, COUNT) * 60_000,
        posts=PostTable.of(
            ServedPost(
                int(post_id), "", "", "", int(category), f"owner{post_id % 7}", "", "en" if post_id % 3 else "de"
            )
            for post_id, category in zip(post_ids, category_ids, strict=True)
        ),
        categories=tuple(Category(number, "") for number in SIZES if number),
    )


def make_steps(random: np.random.Generator) -> PostSteps:
    lengths = random.integers(0, 6, COUNT)
    followers = np.concatenate([random.choice(COUNT, length, replace=False) for length in lengths]).astype(np.int32)
    shares = random.random(2 * FARTHEST + 1)
    shares[FARTHEST] = 0
    return PostSteps(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        followers,
        random.integers(1, 9, len(followers)).astype(np.float32),
        (shares / shares.sum() * 0.8).astype(np.float32),
    )


POSTS = make_posts()
_RANDOM = np.random.default_rng(7)
TRENDS = np.round(_RANDOM.exponential(3.0, COUNT), 1) * (_RANDOM.random(COUNT) < 0.5)
LASTING = np.round(_RANDOM.exponential(50.0, COUNT)).astype(np.float32) * (_RANDOM.random(COUNT) < 0.7)
STEPS = make_steps(_RANDOM)
WORLD = World(POSTS, BLEND, TRENDS, LASTING, STEPS, NOON)


def index_of(**fields: object) -> PostIndex:
    trends = PostTrends(TRENDS, NOON, lasting=LASTING)
    return PostIndex(
        POSTS,
        **({"bundle_id": "b" * 64, "user_weight": 0.5, "trends": trends, "steps": STEPS, "blend": BLEND} | fields),
    )


INDEXES = {
    "multiplied": index_of(),
    "heads and codes": index_of(most_dense=2),
    "short-listed": index_of(most_dense=2, most_exact=COUNT - 1),
}
USERS = unit_rows(np.random.default_rng(3), 6, DIMENSION)


@pytest.fixture(autouse=True, scope="module")
def few_rows_are_many() -> Iterator[None]:
    """So that heads are read, made longer, and given up, in an index of few posts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blended_order, "_FIRST_HEAD", 16)
        patch.setattr(blended_order, "_LIKELY", 60)
        patch.setattr(blended_order, "_DENSE_SHARE", 0.7)
        yield


def whole(index: PostIndex, user: np.ndarray, recent: RecentHistory, **fields: object) -> SearchResult:
    return index.search(Query(user=Embedding(index.tower_space, user), recent_history=recent, limit=100, **fields))


def pages(
    index: PostIndex, user: np.ndarray, recent: RecentHistory, *, limit: int = 100, **fields: object
) -> list[tuple[int, float, float]]:
    """The whole ranking, page by page."""
    found: list[tuple[int, float, float]] = []
    while True:
        page = index.search(
            Query(
                user=Embedding(index.tower_space, user),
                recent_history=recent,
                offset=len(found),
                limit=limit,
                **fields,
            )
        )
        assert page.ranking is Ranking.USER
        found += [(each.post.post_id, each.score, each.ranking_score) for each in page.posts]
        if not page.has_more:
            return found


@st.composite
def histories(draw: Callable[..., object]) -> RecentHistory:
    rows = draw(st.lists(st.integers(0, COUNT - 1), max_size=14, unique=True))
    moment = draw(st.sampled_from([0, NOON, NOON - 29 * 60_000, NOON - 30 * 60_000, NOON + 3_600_000]))
    unknown = draw(st.sampled_from([[], [-5]]))
    ids = [*unknown, *POSTS.post_ids[rows].tolist()]
    return RecentHistory(ids, len(ids) + draw(st.sampled_from([0, 40])) if ids else 0, moment)


@pytest.mark.parametrize("kind", ["multiplied", "heads and codes"])
@settings(max_examples=15, deadline=None)
@given(recent=histories(), user=st.integers(0, 5), category=st.sampled_from([None, 1, 5, 9]))
def test_every_page_is_that_of_brute_force(kind: str, recent: RecentHistory, user: int, category: int | None) -> None:
    expected = WORLD.numbers(USERS[user], recent)
    of_category = dict(zip(POSTS.post_ids.tolist(), POSTS.category_ids.tolist(), strict=True))
    if category is not None:
        expected = {post_id: value for post_id, value in expected.items() if of_category[post_id] == category}
    check_ranking(pages(INDEXES[kind], USERS[user], recent, category_id=category), expected)


@settings(max_examples=40, deadline=None)
@given(
    recent=histories(),
    user=st.integers(0, 5),
    limit=st.integers(1, 40),
    offset=st.integers(0, 80),
    seen=st.lists(st.sampled_from(POSTS.post_ids.tolist()), max_size=60, unique=True),
    filters=st.sampled_from(
        [
            NO_FILTERS,
            Filters(languages=("de",)),
            Filters(languages=("en",)),
            Filters(category_ids=(1, 9)),
            Filters(excluded_category_ids=(5,)),
            Filters(excluded_owner_usernames=("owner3", "owner4")),
            Filters(created_after_ms=NOON - 20 * 60_000),
        ]
    ),
)
def test_all_ways_to_rank_find_the_same_to_the_last_bit(
    recent: RecentHistory, user: int, limit: int, offset: int, seen: list[int], filters: Filters
) -> None:
    found = [
        index.search(
            Query(
                user=Embedding(index.tower_space, USERS[user]),
                recent_history=recent,
                limit=limit,
                offset=offset,
                seen_post_ids=sorted(seen),
                filters=filters,
            )
        )
        for index in (INDEXES["multiplied"], INDEXES["heads and codes"])
    ]
    assert found[1].rows == found[0].rows
    assert (found[1].scores, found[1].ranking_scores) == (found[0].scores, found[0].ranking_scores)


def test_a_shortlist_is_exact_as_far_as_it_is_complete_and_gives_every_post_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index, exact = INDEXES["short-listed"], INDEXES["multiplied"]
    assert index.orders.shortlist is not None
    for seed in range(8):
        random = np.random.default_rng(seed)
        recent = RecentHistory(random.choice(POSTS.post_ids, 8, replace=False).tolist(), 300, NOON)
        seen = sorted(random.choice(POSTS.post_ids, 30, replace=False).tolist())
        found = pages(index, USERS[seed % 6], recent, limit=37, seen_post_ids=seen)  # most rows are not likely ones
        assert sorted(post_id for post_id, _, _ in found) == sorted(POSTS.post_ids.tolist())
        numbers = [number for _, _, number in found]
        assert numbers == sorted(numbers, reverse=True)
        with monkeypatch.context() as patch:
            patch.setattr(blended_order, "_LIKELY", 3 * COUNT)  # some rows are in two heads
            whole_head = pages(index, USERS[seed % 6], recent, limit=37, seen_post_ids=seen)
        assert whole_head == pages(exact, USERS[seed % 6], recent, limit=37, seen_post_ids=seen)


@pytest.mark.parametrize("first_head", [1, 8])
def test_heads_that_are_too_short_are_made_longer(monkeypatch: pytest.MonkeyPatch, first_head: int) -> None:
    monkeypatch.setattr(blended_order, "_FIRST_HEAD", first_head)
    for share in (0.125, 2.0):
        monkeypatch.setattr(blended_order, "_DENSE_SHARE", share)
        for seed in range(12):
            random = np.random.default_rng(seed)
            recent = RecentHistory(random.choice(POSTS.post_ids, 8, replace=False).tolist(), [8, 300][seed % 2], NOON)
            expected = whole(INDEXES["multiplied"], USERS[seed % 6], recent)
            assert whole(INDEXES["heads and codes"], USERS[seed % 6], recent).rows == expected.rows


@pytest.mark.parametrize("kind", list(INDEXES))
def test_a_person_without_a_history_gets_the_order_of_the_crowd(kind: str) -> None:
    found = pages(INDEXES[kind], USERS[0], NO_HISTORY)
    shares = dict(zip(POSTS.post_ids.tolist(), WORLD.shares().tolist(), strict=True))
    assert [post_id for post_id, _, _ in found] == sorted(
        shares, key=lambda post_id: (-np.float32(np.log(shares[post_id])), post_id)
    )
    products = dict(zip(POSTS.post_ids.tolist(), (POSTS.tower_embeddings @ USERS[0]).tolist(), strict=True))
    np.testing.assert_allclose(
        [score for _, score, _ in found], [products[post_id] for post_id, _, _ in found], atol=1e-5
    )


def test_seen_posts_follow_all_others_in_the_same_order() -> None:
    recent = RecentHistory(POSTS.post_ids[:20].tolist(), 20, NOON)
    for index in (INDEXES["multiplied"], INDEXES["heads and codes"]):
        everything = [post_id for post_id, _, _ in pages(index, USERS[1], recent)]
        seen = sorted(everything[:15] + everything[40:60])
        found = pages(index, USERS[1], recent, seen_post_ids=seen)
        unseen = [post_id for post_id in everything if post_id not in seen]
        assert [post_id for post_id, _, _ in found] == [*unseen, *(each for each in everything if each in seen)]
        numbers = [number for _, _, number in found]
        assert numbers == sorted(numbers, reverse=True)


def test_popularity_of_zero_is_the_order_of_the_tower_alone_and_asks_for_no_counts() -> None:
    recent = RecentHistory(POSTS.post_ids[:5].tolist(), 5, NOON)
    alone = index_of(blend=replace(BLEND, popularity=0.0))
    assert alone.blended is None
    plain = PostIndex(POSTS, bundle_id="b" * 64, user_weight=0.5)
    found, expected = whole(alone, USERS[2], recent), whole(plain, USERS[2], NO_HISTORY)
    assert (found.rows, found.scores, found.ranking_scores) == (expected.rows, expected.scores, expected.ranking_scores)
    assert whole(alone, USERS[2], recent, counted_position=12_345).rows == expected.rows


def test_a_mood_and_a_post_to_be_like_are_ranked_as_without_a_blend() -> None:
    recent = RecentHistory(POSTS.post_ids[:5].tolist(), 5, NOON)
    plain, blended = PostIndex(POSTS, bundle_id="b" * 64, user_weight=0.5), INDEXES["multiplied"]
    mood = unit_rows(np.random.default_rng(1), 1, 4)[0]
    for fields in (
        {"mood": Embedding(plain.text_space, mood)},
        {"similar_to_post_id": int(POSTS.post_ids[3])},
    ):
        found, expected = whole(blended, USERS[2], recent, **fields), whole(plain, USERS[2], recent, **fields)
        assert (found.rows, found.ranking_scores) == (expected.rows, expected.ranking_scores)


def test_the_explanation_names_what_the_number_is_made_of() -> None:
    recent = RecentHistory(POSTS.post_ids[100:112].tolist(), 12, NOON)
    found = whole(INDEXES["multiplied"], USERS[4], recent, explain=True)
    weight = BLEND.tower_weight(12)
    assert any(explanation.next_post for explanation in found.explanations)
    for explanation, number in zip(found.explanations, found.ranking_scores, strict=True):
        assert explanation.popularity_share is not None
        base = explanation.popularity_share * explanation.category_lift
        assert np.log(base + explanation.next_post) + weight * explanation.user_score == pytest.approx(number, abs=1e-4)
    plain = PostIndex(POSTS, bundle_id="b" * 64, user_weight=0.5)
    assert whole(plain, USERS[4], recent, explain=True).explanations[0].popularity_share is None


@settings(max_examples=60, deadline=None)
@given(
    post_ids=st.lists(st.integers(-(2**63), 2**63 - 1) | st.sampled_from(POSTS.post_ids.tolist()), max_size=30),
    count=st.integers(-(2**31), 2**31 - 1),
    newest_at_ms=st.integers(-(2**63), 2**63 - 1),
)
def test_whatever_a_caller_says_was_met_gives_a_ranking(post_ids: list[int], count: int, newest_at_ms: int) -> None:
    for index in INDEXES.values():
        found = whole(index, USERS[0], RecentHistory(post_ids, count, newest_at_ms))
        assert len(set(found.rows)) == 100
        assert np.isfinite(found.ranking_scores).all()


def test_recall_is_that_of_the_blended_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measure_recall(INDEXES["multiplied"], POSTS) == 1.0
    blind = index_of(most_dense=2, most_exact=COUNT - 1, blend=replace(BLEND, tower=30.0))
    assert measure_recall(blind, POSTS) == 1.0
    monkeypatch.setattr(type(blind.orders.shortlist), "rows", lambda self, query, count: np.arange(10))
    monkeypatch.setattr(ByBlend, "most_likely", lambda self, skipped: np.arange(10))
    assert measure_recall(blind, POSTS) < 0.2


def test_an_index_without_posts_answers() -> None:
    none = slice(0, 0)
    empty = replace(
        POSTS,
        post_ids=POSTS.post_ids[none],
        category_ids=POSTS.category_ids[none],
        tower_embeddings=POSTS.tower_embeddings[none],
        text_embeddings=POSTS.text_embeddings[none],
        popularity=POSTS.popularity[none],
        created_ms=POSTS.created_ms[none],
        posts=PostTable.of(()),
        categories=(),
    )
    index = PostIndex(empty, bundle_id="b" * 64, user_weight=0.5, blend=BLEND)
    assert whole(index, USERS[0], RecentHistory([1, 2], 2, NOON)).posts == ()


def test_a_bundle_that_blends_is_loaded_with_its_canaries_of_the_tower(tmp_path: Path) -> None:
    directory = write_index_bundle(tmp_path / "bundles", blend=BLEND)
    index = load(open_bundle(directory))
    assert index.recall == 1.0
    assert index.blended is not None
    user = Embedding(index.tower_space, unit_rows(np.random.default_rng(1), 1, 8)[0])
    assert len(set(index.search(Query(user=user, limit=100)).rows)) == 54
