"""Each baseline on four people and five posts, beside dense arithmetic or a ranking that is plain to see."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pipeline import baselines
from pipeline.baselines import (
    BASELINES,
    TIMED_BASELINES,
    alternating_least_squares,
    baselines_for,
    bayesian_personalized_ranking,
    content_based,
    embarrassingly_shallow,
    hybrid,
    item_neighbours,
)
from pipeline.crowd_baselines import (
    all_time_popularity,
    category_affinity,
    first_day_popularity,
    last_month_popularity,
    newest_first,
    popularity_of,
    random_order,
    trend_of,
)
from pipeline.dataset import Dataset
from tests.pipeline.by_hand.tiny_dataset import INSPIRE, LIKE, VIEW, Event, tiny_dataset

EVERYBODY = np.arange(4)
TEXT = ((1.0, 0.0), (0.6, 0.8), (0.0, 1.0), (-1.0, 0.0), (0.8, 0.6))
CREATED = (3.0, 1.0, 4.0, 1.5, 9.0)
MATRIX: tuple[Event, ...] = (
    (0, 0, "view", 0.0),
    (0, 1, "like", 10.0),
    (1, 1, "view", 20.0),
    (1, 1, "view", 60.0),  # the same pair again
    (1, 2, "inspire", 72.0),
    (1, 3, "view", 75.0),
    (2, 2, "view", 100.0),
)  # user 3 and post 4 never met anybody
STRENGTHS = np.array(
    [[VIEW, LIKE, 0, 0, 0], [0, VIEW, INSPIRE, VIEW, 0], [0, 0, VIEW, 0, 0], [0, 0, 0, 0, 0]], dtype=np.float64
)
SCALED = STRENGTHS / STRENGTHS[STRENGTHS > 0].mean()
LATER = np.array([[1, 0, 0, 0, 0], [0, 2, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])  # posts met after each
RECENT = STRENGTHS * 0.5**LATER
MONTH = np.array([0, 0, 2, 1, 0])  # pairs of days 72 to 100
POPULARITY = 1e-3 * MONTH / 2


def dataset_of(events: Sequence[Event] = MATRIX) -> Dataset:
    return tiny_dataset(events, created_days=CREATED, text=TEXT)


@pytest.fixture(scope="module")
def past() -> Dataset:
    return dataset_of()


def unit_range(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    return np.where(high > low, (scores - low) / np.where(high > low, high - low, 1), 0)


def neighbours_by_hand(strengths: NDArray[np.floating], recent: NDArray[np.floating]) -> NDArray[np.floating]:
    """Similarity by BM25 weights (k1 1.2, b 0.75) of posts that the same people met; [users, posts]."""
    posts = strengths.shape[1]
    rarity = np.log(posts) - np.log1p((strengths > 0).sum(axis=1, keepdims=True))  # of each user, over posts
    lengths = strengths.sum(axis=0)
    norm = 0.25 + 0.75 * lengths / lengths.mean()
    weights = np.where(strengths > 0, strengths * 2.2 / (1.2 * norm + strengths) * rarity, 0)
    return recent @ (weights.T @ weights)


# Without a person in it.


def test_all_time_popularity_counts_everybody_who_met_the_post_once(past: Dataset) -> None:
    assert all_time_popularity(past)(past, EVERYBODY).tolist() == [[1, 2, 2, 1, 0]] * 4


def test_last_months_popularity_counts_the_people_of_thirty_days(past: Dataset) -> None:
    assert last_month_popularity(past)(past, EVERYBODY[:2]).tolist() == [MONTH.tolist()] * 2


@pytest.mark.parametrize(("day", "count"), [(69.9, 0), (70.001, 1), (100.0, 1)])
def test_the_month_ends_with_the_newest_event(day: float, count: int) -> None:
    past = dataset_of([(0, 0, "view", 0.0), (0, 2, "view", day), (1, 1, "view", 100.0)])
    assert last_month_popularity(past)(past, EVERYBODY)[0].tolist() == [0, 1, count, 0, 0]


@pytest.mark.parametrize(("days", "counts"), [(7.0, [0, 0, 1, 0, 0]), (60.0, [0, 0, 2, 1, 0]), (95.0, [0, 2, 2, 1, 0])])
def test_a_window_counts_first_meetings_alone(days: float, counts: list[int], past: Dataset) -> None:
    """The pair that user 1 repeated on day 60 is one of day 20."""
    assert popularity_of(days)(past)(past, EVERYBODY[:2]).tolist() == [counts] * 2


def test_a_trend_sums_what_is_left_of_each_meeting(past: Dataset) -> None:
    expected = [np.exp(-100 / 7), np.exp(-90 / 7) + np.exp(-80 / 7), np.exp(-28 / 7) + 1, np.exp(-25 / 7), 0]
    np.testing.assert_allclose(trend_of(7.0)(past)(past, EVERYBODY)[3], expected, rtol=1e-5)
    np.testing.assert_allclose(trend_of(3.0)(past)(past, EVERYBODY)[0, 3], np.exp(-25 / 3), rtol=1e-5)


def test_first_days_are_everybodys_own_and_of_the_last_month() -> None:
    past = dataset_of(
        [
            (0, 0, "view", 10.0),  # a first day, and too long ago
            (0, 1, "view", 80.0),  # known for long
            (1, 1, "view", 75.0),
            (1, 2, "like", 75.9),
            (1, 3, "view", 76.1),  # the next day
            (2, 2, "view", 100.0),
        ]
    )
    assert first_day_popularity(past)(past, EVERYBODY).tolist() == [[0, 1, 2, 0, 0]] * 4


def test_a_category_weighs_by_the_persons_last_ten_pairs_and_five_of_the_crowd() -> None:
    categories = (1, 2, 2, None, 1)
    events = [(0, 0, "view", 0.0), (0, 1, "view", 90.0), (1, 1, "view", 90.0), (2, 3, "view", 100.0)]
    past = tiny_dataset(events, categories=categories)
    crowd = {1: 1 / 4, 2: 2 / 4, None: 1 / 4}
    trend = np.array([np.exp(-100 / 14), 2 * np.exp(-10 / 14), 0, 1, 0])
    of_user = [{1: 1, 2: 1}, {2: 1}, {None: 1}, {}]
    expected = [
        [(own.get(each, 0) + 5 * crowd[each]) / (sum(own.values()) + 5) for each in categories] * trend
        for own in of_user
    ]
    np.testing.assert_allclose(category_affinity(past)(past, EVERYBODY), expected, rtol=1e-5)


def test_of_a_long_history_the_last_ten_pairs_choose_the_category() -> None:
    many = np.zeros((16, 1))
    events = [(0, post, "view", float(post)) for post in range(15)]  # five of category 1, then ten of category 2
    past = tiny_dataset(events, posts=16, categories=[1] * 5 + [2] * 11, text=many)
    shares = category_affinity(past)(past, np.array([0]))[0] / trend_of(14.0)(past)(past, np.array([0]))[0].clip(1e-9)
    np.testing.assert_allclose(shares[[4, 14]], [(0 + 5 * 5 / 15) / 15, (10 + 5 * 10 / 15) / 15], rtol=1e-4)


def test_newest_first_scores_by_the_day_of_creation(past: Dataset) -> None:
    assert newest_first(past)(past, EVERYBODY).tolist() == [list(CREATED)] * 4


def test_a_random_order_is_each_users_own_whoever_else_is_asked_for(past: Dataset) -> None:
    recommend = random_order(past)
    found = recommend(past, EVERYBODY)
    assert found.shape == (4, 5)
    assert len({tuple(np.argsort(row)) for row in found}) > 1
    np.testing.assert_array_equal(recommend(past, np.array([3, 1])), found[[3, 1]])
    np.testing.assert_array_equal(found[2], np.random.default_rng((0, 2)).random(5, dtype=np.float32))


# By what people met.


def test_item_neighbours_are_what_dense_arithmetic_says(past: Dataset) -> None:
    expected = unit_range(neighbours_by_hand(SCALED, RECENT)) + POPULARITY
    np.testing.assert_allclose(item_neighbours(past)(past, EVERYBODY), expected, atol=1e-6)
    np.testing.assert_allclose(item_neighbours(past)(past, np.array([2, 0])), expected[[2, 0]], atol=1e-6)


def test_item_neighbours_see_the_shown_history_and_learn_from_the_past(past: Dataset) -> None:
    shown = dataset_of([(3, 1, "like", 1.0)])
    recent = np.zeros((4, 5))
    recent[3, 1] = LIKE
    expected = unit_range(neighbours_by_hand(SCALED, recent)) + POPULARITY
    np.testing.assert_allclose(item_neighbours(past)(shown, EVERYBODY), expected, atol=1e-6)


def test_as_many_neighbours_are_kept_as_the_configuration_says(past: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert baselines._NEIGHBOURS == 500
    monkeypatch.setattr(baselines, "_NEIGHBOURS", 1)  # each post is its own nearest
    found = item_neighbours(past)(past, EVERYBODY)
    assert (found[0, 2:] < 0.01).all()
    assert found[0, :2].max() > 0.9


BLOCKS: tuple[Event, ...] = (
    (0, 0, "like", 0.0),
    (0, 1, "like", 1.0),
    (1, 0, "like", 2.0),  # lacks post 1
    (2, 2, "like", 3.0),
    (2, 3, "like", 4.0),
    (2, 4, "like", 5.0),
    (3, 2, "like", 6.0),
    (3, 3, "like", 7.0),  # lacks post 4
)


@pytest.mark.parametrize(
    "method",
    [item_neighbours, alternating_least_squares, bayesian_personalized_ranking, embarrassingly_shallow],
)
def test_what_a_person_lacks_of_their_block_comes_before_the_other_block(
    method: baselines.Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_factors", lambda _: 2)  # as many as there are blocks: more learn it by heart
    past = dataset_of(BLOCKS)
    scores = method(past)(past, EVERYBODY)
    assert scores[1, 1] > scores[1, [2, 3, 4]].max()
    assert scores[3, 4] > scores[3, [0, 1]].max()


def scaled_in_float32(past: Dataset) -> csr_matrix:
    """SCALED to the last bit as the product has it: what the libraries make of it hangs on that."""
    pairs = past.pairs
    values = pairs.strengths / pairs.strengths.mean()
    return csr_matrix((values, (pairs.user_rows, pairs.post_rows)), shape=SCALED.shape)


def test_least_squares_are_of_the_library_at_the_settings_that_were_measured(past: Dataset) -> None:
    """A weaker baseline would be beaten more easily: its settings are part of the claim."""
    strengths = scaled_in_float32(past)
    np.testing.assert_allclose(strengths.toarray(), SCALED, rtol=1e-6)
    model = AlternatingLeastSquares(factors=8, random_state=0, num_threads=1, iterations=15)
    model.fit(40.0 * strengths, show_progress=False)
    users = model.recalculate_user(np.array([0, 1, 2]), (40.0 * strengths)[[0, 1, 2]])
    expected = unit_range(users @ model.item_factors.T) + POPULARITY
    np.testing.assert_allclose(alternating_least_squares(past)(past, np.array([0, 1, 2])), expected, atol=1e-5)


def test_least_squares_fold_in_the_shown_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_factors", lambda _: 2)
    past = dataset_of(BLOCKS)
    shown = dataset_of([(1, 3, "like", 1.0)])  # user 1 as if of the other block
    scores = alternating_least_squares(past)(shown, np.array([1]))[0]
    assert scores[[2, 4]].min() > scores[[0, 1]].max()


def test_pairwise_ranking_is_of_the_library_at_the_settings_that_were_measured(past: Dataset) -> None:
    model = BayesianPersonalizedRanking(factors=8, learning_rate=0.1, iterations=100, random_state=0, num_threads=1)
    model.fit(scaled_in_float32(past), show_progress=False)
    scores = model.user_factors @ model.item_factors.T
    scores[3] = 0  # nothing is known of user 3
    expected = unit_range(scores) + POPULARITY
    np.testing.assert_allclose(bayesian_personalized_ranking(past)(past, EVERYBODY), expected, atol=1e-5)


def ease_by_hand(met: NDArray[np.floating], penalty: float) -> NDArray[np.floating]:
    """The weights column by column: each post regressed on all others, B[:, j] with B[j, j] = 0; [posts, posts]."""
    posts = met.shape[1]
    weights = np.zeros((posts, posts))
    for post in range(posts):
        others = np.flatnonzero(np.arange(posts) != post)
        gram = met[:, others].T @ met[:, others] + penalty * np.eye(posts - 1)
        weights[others, post] = np.linalg.solve(gram, met[:, others].T @ met[:, post])
    return weights


def test_ease_is_a_ridge_regression_of_each_post_on_the_others(past: Dataset) -> None:
    met = (STRENGTHS > 0).astype(np.float64)
    expected = unit_range(met @ ease_by_hand(met, penalty=20.0)) + POPULARITY  # 6 pairs of 5 posts: the least penalty
    np.testing.assert_allclose(embarrassingly_shallow(past)(past, EVERYBODY), expected, atol=1e-6)
    np.testing.assert_allclose(embarrassingly_shallow(past)(past, np.array([2, 0])), expected[[2, 0]], atol=1e-6)


@pytest.mark.parametrize(("people", "penalty"), [(4, 20.0), (48, 96.0), (300, 500.0)])
def test_the_penalty_is_four_times_the_people_of_a_post_within_its_bounds(people: int, penalty: float) -> None:
    """Each person met two of four posts, so a post has half of them."""
    two_of = ((0, 1), (0, 2), (0, 3), (1, 2))
    events = [(user, post, "view", float(user)) for user in range(people) for post in two_of[user % 4]]
    past = tiny_dataset(events, posts=4, users=people, text=np.zeros((4, 1)))
    met = np.zeros((people, 4))
    for user, post, *_ in events:
        met[user, post] = 1
    expected = unit_range(met[:4] @ ease_by_hand(met, penalty))
    found = embarrassingly_shallow(past)(past, EVERYBODY)
    np.testing.assert_allclose(found, expected, atol=1e-3 + 1e-6)  # less the popularity
    other = unit_range(met[:4] @ ease_by_hand(met, penalty * 1.25))
    assert np.abs(other - expected).max() > 5e-3  # so the tolerance tells the penalties apart


def test_posts_beyond_the_most_met_ones_are_left_out_of_ease(past: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert baselines._MOST_EASE_POSTS == 5_000
    monkeypatch.setattr(baselines, "_MOST_EASE_POSTS", 2)  # posts 1 and 2, which two people met each
    met = np.zeros((4, 5))
    met[:, [1, 2]] = STRENGTHS[:, [1, 2]] > 0
    expected = unit_range(met @ ease_by_hand(met, penalty=20.0)) + POPULARITY
    np.testing.assert_allclose(embarrassingly_shallow(past)(past, EVERYBODY), expected, atol=1e-6)


@pytest.mark.parametrize(("posts", "factors"), [(5, 8), (287, 8), (288, 9), (8191, 255), (8192, 256), (9000, 256)])
def test_the_number_of_factors_grows_with_the_catalogue(posts: int, factors: int) -> None:
    assert baselines._factors(tiny_dataset((), posts=posts, text=np.zeros((posts, 1)))) == factors


# By what posts say.


def content_by_hand(strengths: NDArray[np.floating]) -> NDArray[np.floating]:
    profiles = strengths @ np.array(TEXT)
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-9)
    return profiles @ np.array(TEXT).T


def test_content_is_nearest_to_the_weighted_mean_of_what_was_met(past: Dataset) -> None:
    expected = unit_range(content_by_hand(SCALED)) + POPULARITY
    np.testing.assert_allclose(content_based(past)(past, EVERYBODY), expected, atol=1e-6)
    assert content_based(past)(past, EVERYBODY)[0, 4] > 1 - 1e-2  # between its posts 0 and 1 lies post 4


def test_the_hybrid_is_both_in_equal_parts(past: Dataset) -> None:
    neighbours = unit_range(unit_range(neighbours_by_hand(SCALED, RECENT)) + POPULARITY)
    content = unit_range(unit_range(content_by_hand(SCALED)) + POPULARITY)
    expected = unit_range(neighbours + content) + POPULARITY
    np.testing.assert_allclose(hybrid(past)(past, EVERYBODY), expected, atol=1e-6)


@pytest.mark.parametrize(
    "method",
    [item_neighbours, alternating_least_squares, bayesian_personalized_ranking, embarrassingly_shallow],
)
def test_who_has_no_history_gets_what_was_popular_in_the_last_month(method: baselines.Method, past: Dataset) -> None:
    np.testing.assert_allclose(method(past)(past, np.array([3]))[0], POPULARITY, atol=1e-7)


@pytest.mark.parametrize(("day", "first"), [(69.9, 1), (70.001, 0)])
def test_the_month_that_strangers_are_shown_has_thirty_days(day: float, first: int) -> None:
    past = dataset_of([(0, 0, "view", day), (1, 0, "view", day), (2, 0, "view", 100.0), (0, 1, "view", 100.0)])
    past_two = dataset_of([(0, 0, "view", day), (1, 0, "view", day), (0, 1, "view", 100.0)])
    assert item_neighbours(past)(past, np.array([3]))[0].argmax() == 0
    assert item_neighbours(past_two)(past_two, np.array([3]))[0].argmax() == first


@pytest.mark.parametrize("method", [content_based, hybrid])
def test_content_too_falls_back_to_the_last_month(method: baselines.Method, past: Dataset) -> None:
    assert np.argsort(-method(past)(past, np.array([3]))[0], kind="stable").tolist() == [2, 3, 0, 1, 4]


def test_a_pair_that_says_next_to_nothing_still_says_something() -> None:
    past = dataset_of([(0, 0, "view", 0.0), (0, 1, "like", 1.0)])
    past = replace(past, pairs=replace(past.pairs, strengths=np.array([0.0, LIKE], dtype=np.float32)))
    strengths = baselines._strengths(past).toarray()
    np.testing.assert_allclose(strengths[0, :2], np.array([1e-3, LIKE]) / ((1e-3 + LIKE) / 2), rtol=1e-6)
    recent = baselines._recent_strengths(past, np.array([0])).toarray()
    np.testing.assert_allclose(recent[0, :2], [0.5e-3, LIKE], rtol=1e-6)


def test_no_method_writes_to_the_terminal(past: Dataset, capfd: pytest.CaptureFixture[str]) -> None:
    for method in TIMED_BASELINES.values():
        method(past)(past, EVERYBODY)
    assert capfd.readouterr() == ("", "")


def test_the_table_names_every_method() -> None:
    personal = {
        "item-kNN (collaborative)": item_neighbours,
        "implicit ALS (collaborative)": alternating_least_squares,
        "implicit BPR (collaborative)": bayesian_personalized_ranking,
        "EASE (collaborative)": embarrassingly_shallow,
        "content-based (BERT)": content_based,
        "hybrid (item-kNN + content)": hybrid,
    }
    crowd = {
        "random": random_order,
        "all-time popularity": all_time_popularity,
        "newest first": newest_first,
        "last-month popularity": last_month_popularity,
    }
    assert crowd | personal == BASELINES
    timed = set(TIMED_BASELINES) - set(BASELINES)
    assert timed == {
        "popularity of 7 days",
        "popularity of 60 days",
        "trend of 3 days",
        "trend of 7 days",
        "first-day popularity",
        "category x trend",
    }


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("popularity of 7 days", popularity_of(7.0)),
        ("last-month popularity", popularity_of(30.0)),
        ("popularity of 60 days", popularity_of(60.0)),
        ("trend of 3 days", trend_of(3.0)),
        ("trend of 7 days", trend_of(7.0)),
        ("first-day popularity", first_day_popularity),
        ("category x trend", category_affinity),
    ],
)
def test_a_name_says_what_is_counted(name: str, method: baselines.Method) -> None:
    windows = (6.001, 6.999, 29.001, 29.999, 59.001, 59.999)
    events = [(0, post, "view", 100.0 - days) for post, days in enumerate(windows)] + [(1, 6, "view", 100.0)]
    past = tiny_dataset(events, posts=7, text=np.zeros((7, 1)))
    np.testing.assert_array_equal(TIMED_BASELINES[name](past)(past, EVERYBODY), method(past)(past, EVERYBODY))


def test_data_without_a_clock_has_no_windows_to_tell_apart(past: Dataset) -> None:
    assert baselines_for(past) is TIMED_BASELINES
    assert baselines_for(past.until(25.0)) is BASELINES  # less than four weeks
