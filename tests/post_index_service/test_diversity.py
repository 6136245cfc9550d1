"""Reordered pages hold every post once, differ more, and no page has too many posts of an account."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.embedding_space import Embedding
from post_index_service.diversity import assigned_pages
from post_index_service.filters import Filters
from post_index_service.query import Query
from post_index_service.search_errors import InvalidSearchError
from post_index_service.search_results import SearchResult
from tests.post_index_service.conftest import unit_rows
from tests.post_index_service.test_filters import INDEXES, POSTS, SERVED, TEXT, TOWER

INDEX = INDEXES["dense"]
OWNERS = {post.post_id: post.owner_username for post in SERVED}


def query_of(by: str, seed: int) -> Query:
    random = np.random.default_rng(seed)
    return Query(
        user=Embedding(INDEX.tower_space, unit_rows(random, 1, TOWER)[0]) if by in {"user", "both"} else None,
        mood=Embedding(INDEX.text_space, unit_rows(random, 1, TEXT)[0]) if by in {"mood", "both"} else None,
        trending=by == "trending",
        exclude_post_ids=random.choice(POSTS.post_ids, 30).tolist(),
        seen_post_ids=random.choice(POSTS.post_ids, 130).tolist(),
    )


def all_pages(query: Query) -> list[SearchResult]:
    pages = [INDEX.search(query)]
    while pages[-1].has_more:
        pages.append(INDEX.search(query._replace(offset=len(pages) * query.limit)))
    return pages


def post_ids(pages: list[SearchResult]) -> list[int]:
    return [item.post.post_id for page in pages for item in page.posts]


@settings(deadline=None, max_examples=15)
@given(
    by=st.sampled_from(["user", "mood", "both", "popular", "trending"]),
    seed=st.integers(0, 50),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    most=st.sampled_from([0, 1, 3]),
    limit=st.sampled_from([7, 10, 100]),
    category_id=st.sampled_from([None, 1, 3]),
)
def test_reordered_pages_hold_every_post_once_with_numbers_that_never_rise(
    by: str, seed: int, diversity: float, most: int, limit: int, category_id: int | None
) -> None:
    query = query_of(by, seed)._replace(limit=limit, category_id=category_id, filters=Filters(languages=("en", "de")))
    plain = post_ids(all_pages(query))
    pages = all_pages(query._replace(diversity=diversity, most_per_owner=most))
    assert sorted(post_ids(pages)) == sorted(plain)
    numbers = [item.ranking_score for page in pages for item in page.posts]
    assert numbers == sorted(numbers, reverse=True)
    for page in pages:
        counts = Counter(OWNERS[item.post.post_id] for item in page.posts)
        assert not most or all(count <= most for name, count in counts.items() if name)
        assert most or len(page.rows) == limit or page is pages[-1]
    if not most:
        seen = [post_id in query.seen_post_ids for post_id in post_ids(pages)]
        assert seen == sorted(seen)


@pytest.mark.parametrize("by", ["user", "both", "popular"])
def test_neighbours_differ_more_with_more_diversity(by: str) -> None:
    def distance(diversity: float) -> float:
        found = [INDEX.search(query_of(by, seed)._replace(diversity=diversity)).rows for seed in range(30)]
        vectors = [POSTS.tower_embeddings[list(rows)] for rows in found]
        return float(np.mean([1 - (each @ each.T)[np.triu_indices(10, 1)].mean() for each in vectors]))

    assert distance(0) < distance(0.3) < distance(1)


def test_pages_of_any_size_continue_each_other() -> None:
    query = query_of("user", 3)._replace(diversity=0.5)
    whole = post_ids([INDEX.search(query._replace(limit=100)), INDEX.search(query._replace(limit=100, offset=100))])
    parts = post_ids([INDEX.search(query._replace(limit=25, offset=offset)) for offset in range(0, 200, 25)])
    assert whole == parts


def test_the_posts_of_an_account_are_spread_over_pages_best_first() -> None:
    pages = assigned_pages([1, 1, 1, 1, 2, -1, -1, -1, 2, 1], size=3, most=1)
    assert pages.tolist() == [0, 1, 2, 3, 0, 0, 1, 1, 2, 4]


@pytest.mark.parametrize("options", [{"diversity": 1.1}, {"diversity": float("nan")}, {"most_per_owner": -1}])
def test_a_reordering_out_of_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidSearchError):
        INDEX.search(Query(**options))


def test_an_explanation_says_what_speaks_for_a_post() -> None:
    query = query_of("both", 1)._replace(explain=True, limit=100)
    result = INDEX.search(query)
    history = np.unique(query.seen_post_ids)
    rows = {post_id: row for row, post_id in enumerate(POSTS.post_ids.tolist())}
    vectors = POSTS.tower_embeddings[[rows[post_id] for post_id in history.tolist()]]
    for item, explanation in zip(result.posts, result.explanations, strict=True):
        row = rows[item.post.post_id]
        closeness = vectors @ POSTS.tower_embeddings[row]
        nearest = sorted(
            (-float(near), post_id)
            for near, post_id in zip(closeness, history.tolist(), strict=True)
            if post_id != item.post.post_id
        )[:3]
        assert explanation.user_score == item.score
        assert explanation.mood_closeness == np.einsum(
            "d,d->", POSTS.text_embeddings[row].astype(np.float32), query.mood.values
        )
        assert explanation.popularity == POSTS.popularity[row]
        assert [near for _, near in explanation.history] == pytest.approx([-near for near, _ in nearest], abs=1e-6)
        assert explanation.is_seen == (item.post.post_id in query.seen_post_ids)
    nobody = INDEX.search(Query(explain=True)).explanations[0]
    assert (nobody.user_score, nobody.mood_closeness, nobody.history) == (None, None, ())
    assert INDEX.search(Query()).explanations == ()
