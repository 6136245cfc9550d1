"""Whatever is filtered, a search finds what brute force finds among the posts that pass."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bundle.embedding_space import Embedding
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from post_index_service import allowed_posts, codes, filtered_scans, ranking
from post_index_service.allowed_posts import AllowedPosts
from post_index_service.attributes import Attributes
from post_index_service.codes import Codes
from post_index_service.filters import Filters
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.rankings import Ranking
from post_index_service.search_errors import CategoryNotFoundError
from tests.post_index_service.conftest import unit_rows

TOWER, TEXT, USER_WEIGHT = 8, 12, 0.4
SIZES = {0: 60, 1: 300, 2: 1, 3: 40, 4: 150}
OWNERS = ("ana", "béla", "Ana", "", "😀")
LANGUAGES = ("en", "EN", "de", "", "pt-BR")
SCANS = ("listed", "gathered", "masked", "dense", "shortlist")


def make_posts(seed: int = 0) -> IndexPosts:
    random = np.random.default_rng(seed)
    count = sum(SIZES.values())
    category_ids = np.repeat(list(SIZES), list(SIZES.values())).astype(np.int32)
    post_ids = random.permutation(10 * count)[:count].astype(np.int64)
    post_ids = post_ids[np.lexsort((post_ids, category_ids))]
    created_ms = random.integers(0, 50, count) * 1000
    created_ms[random.random(count) < 0.1] = UNKNOWN_MOMENT
    text = unit_rows(random, count, TEXT).astype(np.float16)
    text[random.random(count) < 0.1] = 0
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=unit_rows(random, count, TOWER)[random.integers(0, count, count)],  # many are twins
        text_embeddings=text,
        popularity=np.round(random.random(count), 2).astype(np.float32),
        created_ms=created_ms,
        posts=PostTable.of(
            ServedPost(int(post_id), "v", "t", "", int(category), OWNERS[owner], "", LANGUAGES[language])
            for post_id, category, owner, language in zip(
                post_ids,
                category_ids,
                random.choice(len(OWNERS), count, p=[0.5, 0.3, 0.1, 0.05, 0.05]),
                random.integers(0, len(LANGUAGES), count),
                strict=True,
            )
        ),
        categories=tuple(Category(number, str(number)) for number in SIZES if number),
    )


POSTS = make_posts()
SERVED = list(POSTS.posts)
TRENDS = np.where(
    np.arange(len(POSTS.posts)) % 7 == 0, np.round(np.random.default_rng(5).random(len(POSTS.posts)), 1), 0
)


def make_index(**options: int) -> PostIndex:
    none = np.zeros(0, dtype=np.int64)
    trends = PostTrends(TRENDS, 1_600_000_000_000, none, none)
    return PostIndex(POSTS, bundle_id="b" * 64, user_weight=USER_WEIGHT, trends=trends, **options)


INDEXES = {
    "listed": make_index(most_dense=0),
    "gathered": make_index(most_dense=0),
    "masked": make_index(most_dense=0),
    "dense": make_index(),
    "shortlist": make_index(most_dense=0, most_exact=100),
}


def passes(query: Query) -> np.ndarray:
    """Which posts pass, by the contract."""
    filters = query.filters
    languages = {language.casefold() for language in filters.languages}
    return np.array(
        [
            (query.category_id is None or post.category_id == query.category_id)
            and (not filters.category_ids or post.category_id in filters.category_ids)
            and (post.category_id == 0 or post.category_id not in filters.excluded_category_ids)
            and post.owner_username not in filters.excluded_owner_usernames
            and (filters.created_after_ms is None or moment > filters.created_after_ms)
            and (not filters.languages or (post.language != "" and post.language.casefold() in languages))
            and post.post_id not in query.exclude_post_ids
            for post, moment in zip(SERVED, POSTS.created_ms.tolist(), strict=True)
        ]
    )


def brute_force(query: Query) -> list[int]:
    """The whole ranking, by the contract."""
    user = None if query.user is None else np.einsum("rd,d->r", POSTS.tower_embeddings, query.user.values)
    text = POSTS.text_embeddings.astype(np.float32)
    mood = None if query.mood is None else np.einsum("rd,d->r", text, query.mood.values)
    if mood is None and user is None:
        by = np.where(TRENDS > 0, 1 + TRENDS, POSTS.popularity) if query.trending else POSTS.popularity
    elif mood is None:
        by = user
    else:
        by = mood if user is None else mood + np.float32(USER_WEIGHT) * user
    rows = np.flatnonzero(passes(query))
    key = (POSTS.post_ids[rows], -POSTS.popularity[rows] if query.trending else rows * 0, -by[rows])
    rows = rows[np.lexsort((*key, np.isin(POSTS.post_ids[rows], query.seen_post_ids)))]
    return POSTS.post_ids[rows].tolist()


def ids(index: PostIndex, query: Query) -> list[int]:
    return [item.post.post_id for item in index.search(query).posts]


def some(values: tuple[object, ...], *, most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


FILTERS = st.builds(
    Filters,
    category_ids=some((1, 2, 3, 4)),
    excluded_category_ids=some((0, 1, 2, 3, 4, 99)),
    excluded_owner_usernames=some((*OWNERS, "nobody"), most=2),
    created_after_ms=st.none() | st.sampled_from([-1, 0, 25_000, 48_000, 49_000]),
    languages=some(("en", "De", "PT-br", "xx", "")),
)


@pytest.fixture(scope="module", params=SCANS)
def scanned_by(request: pytest.FixtureRequest) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filtered_scans, "_MOST_LISTED", 1000 if request.param == "listed" else 0)
        patch.setattr(filtered_scans, "_GATHERED_SHARE", 1.0 if request.param == "gathered" else 0.0)
        patch.setattr(filtered_scans, "FETCHED_MORE", 4)
        patch.setattr(allowed_posts, "MOST_SKIPPED", 40)
        patch.setattr(ranking, "_SHORTLISTED", 60)
        yield request.param


@settings(deadline=None, max_examples=60)
@given(
    filters=FILTERS,
    category_id=st.none() | st.sampled_from([1, 2, 3, 4]),
    seed=st.integers(0, 20),
    by=st.sampled_from(["user", "mood", "both", "popular", "trending"]),
    offset=st.sampled_from([0, 3, 90]),
    limit=st.sampled_from([1, 10, 100]),
)
def test_a_filtered_search_is_what_brute_force_finds(
    scanned_by: str, filters: Filters, category_id: int | None, seed: int, by: str, offset: int, limit: int
) -> None:
    index, random = INDEXES[scanned_by], np.random.default_rng(seed)
    query = Query(
        user=Embedding(index.tower_space, unit_rows(random, 1, TOWER)[0]) if by in {"user", "both"} else None,
        mood=Embedding(index.text_space, unit_rows(random, 1, TEXT)[0]) if by in {"mood", "both"} else None,
        trending=by == "trending",
        category_id=category_id,
        filters=filters,
        exclude_post_ids=random.choice(POSTS.post_ids, 20).tolist(),
        seen_post_ids=random.choice(POSTS.post_ids, 60).tolist(),
    )
    expected = brute_force(query)
    for _ in range(3):  # what is remembered answers the same: the filters, and then copies of codes
        found = index.search(query._replace(offset=offset, limit=limit))
        assert found.has_more == (offset + limit < len(expected))
        numbers = [item.ranking_score for item in found.posts]
        assert numbers == sorted(numbers, reverse=True)
        if found.ranking is Ranking.USER and scanned_by == "shortlist":
            continue
        assert [item.post.post_id for item in found.posts] == expected[offset : offset + limit]


@pytest.mark.parametrize("scanned_by", ["shortlist"], indirect=True)
@settings(deadline=None, max_examples=60)
@example(filters=Filters(excluded_category_ids=(1, 3), excluded_owner_usernames=("ana", "")), seed=0)
@given(filters=FILTERS, seed=st.integers(0, 20))
def test_the_pages_of_a_filtered_shortlist_are_every_post_once(scanned_by: str, filters: Filters, seed: int) -> None:
    index = INDEXES[scanned_by]
    user = Embedding(index.tower_space, unit_rows(np.random.default_rng(seed), 1, TOWER)[0])
    query = Query(user=user, filters=filters, limit=60)
    expected = brute_force(query)
    found = [
        post_id for first in range(0, len(expected) + 1, 60) for post_id in ids(index, query._replace(offset=first))
    ]
    assert sorted(found) == sorted(expected)
    # The posts of an account are skipped one by one: they count among those that a search has to look at.
    looked_at = brute_force(query._replace(filters=replace(filters, excluded_owner_usernames=())))
    if filters.category_ids or len(looked_at) <= 100:
        assert found == expected


def test_a_category_that_is_none_is_not_found() -> None:
    with pytest.raises(CategoryNotFoundError):
        INDEXES["dense"].search(Query(filters=Filters(category_ids=(1, 99))))
    assert ids(INDEXES["dense"], Query(category_id=1, filters=Filters(category_ids=(2, 3)))) == []


def test_filters_are_remembered_when_they_come_again_and_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Filters] = []
    mask_of = allowed_posts.mask_of
    monkeypatch.setattr(
        allowed_posts, "mask_of", lambda filters, *rest: made.append(filters) or mask_of(filters, *rest)
    )
    size = len(POSTS.posts)
    allowed = AllowedPosts(Attributes(POSTS.posts, POSTS.created_ms), {}, most_bytes=4 * size)
    english, german = Filters(languages=("en",)), Filters(languages=("de",))
    for filters in (english, english, english, german, german, english):
        allowed.of(filters, slice(0, size))
    assert made == [english, english, german, german, english]


def test_copies_of_codes_are_remembered_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    gathered = codes._gathered
    monkeypatch.setattr(codes, "_gathered", lambda matrix, rows: made.append(len(rows)) or gathered(matrix, rows))
    monkeypatch.setattr(codes, "MOST_COPIED", 50 * TOWER)
    coded = Codes.of(POSTS.text_embeddings, POSTS.tower_embeddings).last()
    query = coded.query(POSTS.tower_embeddings[7])
    span, few, many = slice(60, 360), np.arange(0, 100, 3), np.arange(0, 300, 2)
    first, second, third = object(), object(), object()
    for rows, again in ((few, first), (few, first), (many, second), (many, second), (few, third), (few, first)):
        nearest, bound = coded.nearest_among(rows, span, query, 5, again=again)
        expected, expected_bound = coded.nearest_among(rows, span, query, 5)
        assert (sorted(nearest.tolist()), bound) == (sorted(expected.tolist()), expected_bound)
    remembered = [len(few), len(few), len(few), len(many), len(many), len(many), len(many), *[len(few)] * 4]
    assert made == remembered


def test_few_posts_of_an_account_are_skipped_and_many_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = AllowedPosts(Attributes(POSTS.posts, POSTS.created_ms), {})
    owners = np.array([post.owner_username for post in POSTS.posts])
    span = slice(60, 360)
    rows = np.flatnonzero(owners[span] == "ana").tolist()
    monkeypatch.setattr(allowed_posts, "MOST_SKIPPED", 1000)
    mask, skipped = allowed.of(Filters(excluded_owner_usernames=("ana", "nobody", "ana")), span)
    assert (mask, skipped.tolist()) == (None, rows)
    monkeypatch.setattr(allowed_posts, "MOST_SKIPPED", 10)
    mask, skipped = allowed.of(Filters(excluded_owner_usernames=("ana", "nobody")), span)
    assert mask is not None
    assert (np.flatnonzero(~mask.mask).tolist(), skipped.tolist()) == (rows, [])


def test_an_account_is_found_by_its_exact_name() -> None:
    owners = Attributes(POSTS.posts, POSTS.created_ms).owners
    for name in (*OWNERS, "nobody", "an"):
        expected = [row for row, post in enumerate(POSTS.posts) if post.owner_username == name]
        assert owners.rows_of(name).tolist() == expected
    assert len(set(owners.of_row.tolist())) == len(OWNERS)
