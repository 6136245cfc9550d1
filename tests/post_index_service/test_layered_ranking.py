"""Rankings over two segments are those of one segment that holds all rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from post_index_service.layered_ranking import Boosted, Layered, LayeredIds, LiveByPopularity, LiveByProducts, Pinned
from post_index_service.popular_orders import ByPopularity
from post_index_service.ranking import InnerProduct, largest_so_far
from tests.post_index_service.conftest import unit_rows
from tests.post_index_service.test_exactness import KINDS, TEXT, TOWER


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.4, -3.0, 100.0])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_the_best_live_rows_are_those_of_exact_scores(kind: str, weight: float, share: float) -> None:
    random = np.random.default_rng(0)
    tower = KINDS[kind](random, 1000, TOWER).astype(np.float32)
    text = KINDS[kind](random, 1000, TEXT).astype(np.float16).astype(np.float32)
    ids = random.permutation(1000).astype(np.int64)
    rows = np.flatnonzero(random.random(1000) < share)
    for user, mood in zip(unit_rows(random, 2, TOWER), unit_rows(random, 2, TEXT), strict=True):
        by_user, by_mood = InnerProduct(tower, user, weight), InnerProduct(text, mood)
        for products in ((by_user,), (by_mood,), (by_mood, by_user)):
            order = LiveByProducts(products, ids)
            exact = order.among(rows)
            for count in (0, 1, 10, 150, 5000):
                best = order.best(rows, count)
                assert best.rows.tolist() == exact.rows[:count].tolist()
                assert best.numbers.tolist() == exact.numbers[:count].tolist()


def test_live_rows_are_ranked_by_the_weighted_sum_and_show_the_last_product() -> None:
    one = np.ones(1, dtype=np.float32)
    by_mood = InnerProduct(np.array([[1], [2], [3]], dtype=np.float32), one)
    by_user = InnerProduct(np.array([[9], [4], [1]], dtype=np.float32), one, weight=0.5)
    ranked = LiveByProducts((by_mood, by_user), np.array([7, 6, 5])).among(np.arange(3))
    assert [column.tolist() for column in ranked] == [[0, 1, 2], [9, 4, 1], [5.5, 4.0, 3.5]]


def test_the_error_of_a_sum_grows_with_the_weighted_dimensions() -> None:
    """The reserve beside 2^-24 a term is why a search is exact: a smaller one would pass most tests by luck."""
    by_mood, by_user = (
        InnerProduct(np.zeros((3, length), np.float32), np.zeros(length, np.float32)) for length in (6, 4)
    )
    ids = np.arange(3)
    assert LiveByProducts((by_mood,), ids)._error == pytest.approx(1.01 * (8 + 8) / 2**22)
    both = LiveByProducts((by_mood, replace(by_user, weight=-3.0)), ids)
    assert both.reach == 4.0
    assert both._error == pytest.approx(1.01 * (8 + 3 * 6 + 8 * 4) / 2**22)


POPULARITY = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=12)


@given(data=st.data(), frozen=POPULARITY, live=POPULARITY)
def test_ties_of_both_segments_go_to_the_smaller_id_with_boosts_and_pins(
    data: st.DataObject, frozen: list[float], live: list[float]
) -> None:
    count = len(frozen) + len(live)
    ids = np.array(data.draw(st.permutations(range(count))), dtype=np.int64)
    numbers = np.array([*frozen, *live], dtype=np.float32)
    some_rows = st.lists(st.integers(0, max(count - 1, 0)), max_size=4, unique=True) if count else st.just([])
    skip, boosted, pinned = (np.array(data.draw(some_rows), dtype=np.int64) for _ in range(3))
    skip = np.sort(skip)
    boosted = np.sort(np.setdiff1d(boosted, pinned))
    boosts = np.array(
        data.draw(st.lists(st.sampled_from([-1.0, -0.5, 0.25, 1.0]), min_size=len(boosted), max_size=len(boosted)))
    )
    split = len(frozen)
    layered = Layered(
        ByPopularity(numbers[:split], ids[:split]),
        LiveByPopularity(numbers[split:], ids[split:]),
        split,
        np.arange(len(live)),
    )
    raised = Boosted(layered, LayeredIds(ids[:split], ids[split:]), boosted, boosts.astype(np.float32))
    order = Pinned(raised, pinned)
    numbers = numbers.copy()
    numbers[boosted] += boosts.astype(np.float32)
    others = [row for row in range(count) if row not in skip and row not in pinned]
    expected = [row for row in pinned.tolist() if row not in skip]
    expected += sorted(others, key=lambda row: (-numbers[row], ids[row]))
    for first in range(count + 2):
        found = order.first(first, skip=skip)
        assert found.rows.tolist() == expected[:first]
        assert found.numbers.tolist() == sorted(found.numbers.tolist(), reverse=True)
    assert order.among(np.arange(count)).rows.tolist() == sorted(
        range(count), key=lambda row: (-numbers[row], ids[row])
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=12))
def test_the_largest_id_so_far_sorts_rows_as_they_are(pairs: list[tuple[int, int]]) -> None:
    pairs.sort(key=lambda pair: -pair[0])
    numbers = np.array([number for number, _ in pairs], dtype=np.float32)
    ids = np.array([post_id for _, post_id in pairs], dtype=np.int64)
    largest = largest_so_far(ids, numbers)
    assert np.lexsort((largest, -numbers)).tolist() == list(range(len(pairs)))
    assert (largest >= ids).all()
