"""One split judged by hand: what is known of each target, coverage, feeds, and what no method can show."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.judged_split import MethodRanks, judge
from pipeline.ranking import Recommender
from pipeline.splits import Split, split_at, split_last
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

PAST_EVENTS = (
    *((0, post, "view", float(post)) for post in range(4)),
    *((1, post, "view", 10.0 + post) for post in range(4)),  # the same history
    (2, 13, "view", 20.0),
)


@pytest.fixture(scope="module")
def past() -> Dataset:
    """Fourteen posts; users 0 and 1 have one history in common, user 2 another one, user 3 none."""
    return tiny_dataset(PAST_EVENTS, posts=14, created_days=[40.0 - 3 * row for row in range(14)])


def split_of(past: Dataset, candidates: NDArray[np.bool_] | None = None) -> Split:
    return Split(past, past, np.array([0, 1]), (np.array([5, 6]), np.array([4])), "by hand", candidates=candidates)


def first_rows_first(past: Dataset) -> Recommender:
    return lambda _, user_rows: np.tile(-np.arange(len(past.post_ids), dtype=np.float32), (len(user_rows), 1))


def test_a_method_is_measured_for_each_person_and_each_target(past: Dataset) -> None:
    found = judge(split_of(past), {"first": first_rows_first}).methods["first"]
    # Posts 5 and 6 are the second and third that user 0 has not met, and post 4 the first for user 1.
    ndcg = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert found.overall.ndcg.tolist() == pytest.approx([ndcg, 1.0])
    assert found.overall.recall.tolist() == [1.0, 1.0]
    assert found.in_category.ndcg.tolist() == pytest.approx([ndcg, 1.0])
    assert found.is_hit.tolist() == [True, True, True]
    # Users 0 and 1 are shown posts 4 to 13, user 2 posts 0 to 9; user 3 is not asked for.
    assert found.coverage == 1.0
    assert found.distinct_feeds == 1.0  # two feeds of two histories


def test_a_catalogue_is_covered_as_far_as_somebody_is_shown_it() -> None:
    only = tiny_dataset(PAST_EVENTS[:8], posts=14)

    def variety(recommender: Recommender, candidates: NDArray[np.bool_] | None = None) -> MethodRanks:
        return judge(split_of(only, candidates), {"one": lambda _: recommender}).methods["one"]

    def by_chance(_: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.random.default_rng(len(rows)).random((len(rows), 14)).astype(np.float32)

    assert variety(first_rows_first(only)).coverage == pytest.approx(10 / 14)
    assert variety(by_chance).distinct_feeds == 2.0  # two feeds of one history
    three = judge(split_of(tiny_dataset(PAST_EVENTS, posts=15)), {"one": lambda past: lambda _, rows: same(past, rows)})
    assert three.methods["one"].distinct_feeds == 0.5  # one feed of two histories
    all_but_two = np.arange(14) >= 2
    assert variety(first_rows_first(only), np.zeros(14, dtype=np.bool_)).coverage == 0.0
    assert variety(first_rows_first(only), all_but_two).coverage == pytest.approx(10 / 12)  # posts 2 and 3 are met


def same(past: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Ten posts that nobody has met, 4 to 12 and 14, for everybody."""
    scores = np.zeros((len(user_rows), len(past.post_ids)), dtype=np.float32)
    scores[:, [*range(4, 13), 14]] = 1.0
    return scores


def test_a_target_without_a_category_is_not_measured_in_category() -> None:
    categories = [None if row == 5 else 1 for row in range(14)]
    past = tiny_dataset(PAST_EVENTS, posts=14, categories=categories)
    split = Split(past, past, np.array([0, 1]), (np.array([5]), np.array([6])), "by hand")
    found = judge(split, {"first": first_rows_first}).methods["first"]
    assert len(found.overall.ndcg) == 2
    assert found.in_category.ndcg.tolist() == pytest.approx([1 / np.log2(3)])  # post 6 after post 4


def test_what_is_known_of_each_target_is_of_the_moment_of_the_split(past: Dataset) -> None:
    found = judge(split_of(past), {"first": first_rows_first})
    assert found.lengths.tolist() == [4, 4]
    assert found.posts.tolist() == [5, 6, 4]
    assert found.ages.tolist() == pytest.approx([0, 0, 0], abs=1e-5)  # of days 25, 22 and 28; the past ends on day 20
    assert found.meetings.tolist() == [0, 0, 0]
    split = split_at(tiny_dataset([*PAST_EVENTS, (3, 0, "view", 30.0)], posts=14, created_days=[5.0] * 14), 25.0)
    timed = judge(split, {"first": first_rows_first})
    assert (timed.label, timed.ages.tolist(), timed.meetings.tolist()) == ("1970-01-26", [20.0], [2])


def test_a_post_made_after_the_split_is_a_target_that_every_method_misses() -> None:
    events = [(0, 0, "view", 0.0), (1, 1, "view", 10.0), (1, 2, "view", 11.0)]
    dataset = tiny_dataset(events, created_days=[0.0, 0.0, 10.5, 0.0, 0.0], categories=[1, 1, 2, 1, 1])
    found = judge(split_at(dataset, 5.0), {"first": first_rows_first})
    assert found.is_candidate.tolist() == [True, False]
    assert found.methods["first"].is_hit.tolist() == [True, False]
    # In its category the post would be the only one, and first.
    assert found.methods["first"].in_category.recall.tolist() == [0.5]


def test_a_split_without_times_has_no_label_and_every_post_is_a_candidate() -> None:
    found = judge(split_last(tiny_dataset(PAST_EVENTS, posts=14)), {"first": first_rows_first})
    assert found.label == ""
    assert found.is_candidate.all()
