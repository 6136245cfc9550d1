"""The orders of a slice on a handful of rows, and scans that say how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from post_index_service import ranking
from post_index_service.closeness import Closeness
from post_index_service.codes import Codes, Rows
from post_index_service.filtered_scans import CodedScan
from post_index_service.popular_orders import ByPopularity
from post_index_service.ranking import (
    ByInnerProducts,
    ByShortlist,
    ClosenessScan,
    DenseScan,
    InnerProduct,
    Ranked,
)
from tests.post_index_service.conftest import unit_rows

NONE = np.zeros(0, dtype=np.int64)
IDS = np.array([30, 10, 20, 50, 40])


def rows_of(*numbers: int) -> Rows:
    return np.array(numbers, dtype=np.int64)


def floats(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


def product_of(*scores: float, weight: float = 1.0) -> InnerProduct:
    return InnerProduct(floats(*scores)[:, None], floats(1), weight)


@dataclass
class Told:
    """A scan that answers as a test says: for each call the rows and the bound."""

    answers: Sequence[tuple[Rows, float]]
    asked: list[int] = field(default_factory=list)
    skipped: list[list[int]] = field(default_factory=list)

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        self.asked.append(count)
        self.skipped.append(skip.tolist())
        return self.answers[len(self.asked) - 1]


# What is ranked.


def test_ranked_rows_are_cut_left_out_and_joined_with_their_scores_and_numbers() -> None:
    ranked = Ranked(rows_of(4, 1, 3), floats(0.1, 0.2, 0.3), floats(9, 8, 7))

    def columns(found: Ranked) -> list[list[float]]:
        return [column.tolist() for column in found]

    left = [[4, 3], floats(0.1, 0.3).tolist(), [9, 7]]
    assert columns(ranked.without(rows_of(0, 1, 2))) == left
    assert columns(ranked.without(NONE)) == columns(ranked)
    assert columns(ranked.cut(0, 1).followed_by(ranked.cut(2, 9))) == left
    assert columns(ranked.cut(0, 3)) == columns(ranked.cut(0, 9)) == columns(ranked)
    assert ranked.cut(3, 9).rows.tolist() == ranked.cut(0, 0).rows.tolist() == []


# By popularity.


@pytest.mark.parametrize("count", range(7))
def test_the_most_popular_come_first_and_of_equals_the_smaller_id(count: int) -> None:
    order = ByPopularity(floats(0.5, 0.9, 0.5, 0.1, 0.5), IDS)
    rows, scores, _ = order.first(count, skip=NONE)
    assert rows.tolist() == [1, 2, 0, 4, 3][:count]
    assert scores.tolist() == floats(0.9, 0.5, 0.5, 0.5, 0.1)[:count].tolist()


def test_what_is_skipped_is_in_no_place_of_the_popular_order() -> None:
    order = ByPopularity(floats(0.5, 0.9, 0.5, 0.1, 0.5), IDS)
    assert order.first(2, skip=rows_of(1, 2))[0].tolist() == [0, 4]
    assert order.first(9, skip=rows_of(0, 1, 2, 3))[0].tolist() == [4]
    assert order.among(rows_of(3, 2, 0))[0].tolist() == [2, 0, 3]


# A product.


def test_a_product_is_taken_in_blocks_without_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_BLOCK_ROWS", 2)
    product = InnerProduct(np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float16), floats(10, 1), weight=7.0)
    assert product.of(rows_of(2, 0, 1, 2, 0)).tolist() == [56, 12, 34, 56, 12]
    assert product.of(NONE).tolist() == []
    assert product.of(NONE).dtype == np.float32
    assert InnerProduct(np.zeros((1, 1), dtype=np.float32), floats(1)).weight == 1.0


# By inner products.


def test_the_largest_sum_comes_first_and_the_last_product_is_shown() -> None:
    by_mood, by_user = product_of(0.1, 0.2, 0.3, 0.4, 0.2), product_of(1, 2, 3, -9, 2, weight=0.5)
    order = ByInnerProducts(Told([(np.arange(5), -np.inf)]), (by_mood, by_user), IDS)
    rows, scores, _ = order.first(4, skip=NONE)
    assert rows.tolist() == [2, 1, 4, 0]  # sums 1.8, 1.2, 1.2 and 0.6: of the tied ones id 10 before 40
    assert scores.tolist() == [3, 2, 2, 1]
    assert order.among(rows_of(4, 3, 2))[0].tolist() == [2, 4, 3]
    assert order.reach == 1.5  # of two numbers from -1 to 1, the second at half its weight
    assert order.among(rows_of(4, 3, 2))[1].tolist() == [3, 2, -9]


def test_one_product_ranks_by_itself_whatever_its_weight() -> None:
    order = ByInnerProducts(Told([(np.arange(5), -np.inf)]), (product_of(1, 5, 3, 4, 2, weight=-1.0),), IDS)
    assert order.first(3, skip=NONE)[0].tolist() == [1, 3, 2]


SCORES = product_of(9, 8, 7, 6, 5)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([(rows_of(0, 1), 7.5)], [2]),  # no other row is larger than what stands last
        ([(rows_of(0, 1), 8.0), (rows_of(0, 1, 2), 7.0)], [2, 8]),  # one may be as large, and of a smaller id
        ([(rows_of(0, 1), 8.5), (rows_of(0, 1, 2), 9.0), (np.arange(5), 4.0)], [2, 8, 32]),
        ([(rows_of(0), -np.inf)], [2]),  # there are no more
        ([(rows_of(0), 4.0), (np.arange(5), 4.0)], [2, 8]),  # too few, though sure
    ],
)
def test_a_scan_is_repeated_until_no_other_row_can_belong_among_the_first(
    answers: list[tuple[Rows, float]], asked: list[int]
) -> None:
    scan = Told(answers)
    rows, *_ = ByInnerProducts(scan, (SCORES,), IDS).first(2, skip=rows_of(4))
    assert rows.tolist() == answers[-1][0].tolist()[:2]
    assert scan.asked == asked
    assert scan.skipped == [[4]] * len(asked)


@pytest.mark.parametrize("count", [0, -1])
def test_none_of_the_first_need_no_scan(count: int) -> None:
    scan = Told([])
    rows, scores, _ = ByInnerProducts(scan, (SCORES,), IDS).first(count, skip=NONE)
    assert (len(rows), len(scores), scan.asked) == (0, 0, [])
    assert (rows.dtype, scores.dtype) == (np.int64, np.float32)


def test_no_more_are_asked_for_than_there_are() -> None:
    scan = Told([(np.arange(5), -np.inf)])
    assert len(ByInnerProducts(scan, (SCORES,), IDS).first(9, skip=NONE)[0]) == 5
    assert scan.asked == [5]


# The scans.


def many(scores: np.ndarray) -> InnerProduct:
    return InnerProduct(scores[:, None].astype(np.float32), floats(1))


FALLING = np.arange(100, 0, -1).astype(np.float32)  # row 0 is best


def test_a_dense_scan_brings_sixteen_more_than_asked_for_and_a_bound_for_the_others() -> None:
    rows, bound = DenseScan(many(FALLING), error=0.25).nearest(4, skip=NONE)
    assert sorted(rows.tolist()) == list(range(20))
    assert bound == FALLING[19] + 0.25


def test_a_dense_scan_leaves_out_what_is_skipped() -> None:
    rows, bound = DenseScan(many(FALLING), error=0.25).nearest(4, skip=rows_of(0, 5))
    assert sorted(rows.tolist()) == [row for row in range(22) if row not in {0, 5}]
    assert bound == FALLING[21] + 0.25


@pytest.mark.parametrize(("skipped", "is_all"), [(78, False), (79, False), (80, True), (81, True)])
def test_a_dense_scan_of_all_there_is_has_nothing_left_to_bound(skipped: int, is_all: bool) -> None:
    rows, bound = DenseScan(many(FALLING), error=0.25).nearest(4, skip=np.arange(skipped))
    assert sorted(rows.tolist()) == list(range(skipped, 100 if is_all else skipped + 20))
    assert (bound == -np.inf) is is_all


def test_a_dense_scan_beside_a_closeness_adds_it_to_the_weighted_product() -> None:
    closeness = Closeness(100 * np.arange(100, dtype=np.float32), 9900.0)
    scan = DenseScan(InnerProduct(FALLING[:, None], floats(1), weight=-2.0), 0.25, closeness)
    rows, bound = scan.nearest(4, skip=NONE)
    assert sorted(rows.tolist()) == list(range(80, 100))
    assert bound == pytest.approx(8000 - 2 * 20 + 0.25 * 2 * 1.1 + 9900 * 2**-22, abs=1e-6)
    exact = DenseScan(InnerProduct(FALLING[:, None], floats(1), weight=-2.0), 0.0, closeness)
    assert exact.nearest(4, skip=NONE)[1] == pytest.approx(8000 - 2 * 20 + 9900 * 2**-22, abs=1e-6)
    assert FALLING[0] == 100  # the vectors are as they were
    assert closeness.scores[1] == 100


def test_a_scan_by_closeness_is_exact() -> None:
    scan = ClosenessScan(Closeness(FALLING, 100.0))
    rows, bound = scan.nearest(1, skip=rows_of(0))
    assert sorted(rows.tolist()) == list(range(1, 18))
    assert bound == FALLING[17]
    assert FALLING[0] == 100  # what is remembered is as it was


@pytest.fixture(scope="module")
def codes() -> Codes:
    return Codes.of(unit_rows(np.random.default_rng(0), 400, 8))


@pytest.mark.parametrize(("count", "skipped", "fetched"), [(10, 0, 84), (10, 3, 87), (10, 50, 94), (2, 50, 70)])
def test_a_coded_scan_fetches_twice_as_many_and_some_more(
    codes: Codes, count: int, skipped: int, fetched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    nearest = Codes.nearest
    monkeypatch.setattr(Codes, "nearest", lambda *args: asked.append(args[-1]) or nearest(*args))
    query = codes.query(unit_rows(np.random.default_rng(1), 1, 8)[0])
    rows, bound = CodedScan(codes, slice(0, 400), query).nearest(count, skip=np.arange(skipped))
    assert asked == [fetched]
    assert rows.min() >= skipped
    assert np.isfinite(bound)
    for total, is_all in ((fetched, True), (fetched - 1, True), (fetched + 1, False)):
        found, bound = CodedScan(codes, slice(0, total), query).nearest(count, skip=np.arange(skipped))
        assert (bound == -np.inf) is is_all
        assert not is_all or found.tolist() == list(range(skipped, total))


# By a shortlist.


@dataclass
class FixedShortlist:
    """In place of the coarse scan: always the same rows."""

    likely: Rows
    asked: list[int] = field(default_factory=list)

    def rows(self, query: np.ndarray, count: int) -> Rows:
        self.asked.append(count)
        return self.likely


def test_a_shortlist_comes_first_and_all_others_after_it() -> None:
    scan = Told([(rows_of(0, 4), -np.inf)])
    shortlist = FixedShortlist(rows_of(1, 2, 3))
    order = ByShortlist(ByInnerProducts(scan, (SCORES,), IDS), shortlist, floats(1))
    rows, scores, _ = order.first(4, skip=rows_of(2))
    assert rows.tolist() == [1, 3, 0, 4]
    assert scores.tolist() == [8, 6, 9, 5]
    assert shortlist.asked == [513]  # one more for what is skipped
    assert (scan.asked, scan.skipped) == ([2], [[1, 2, 3]])


def test_a_shortlist_that_is_long_enough_needs_no_other_rows() -> None:
    scan = Told([])
    order = ByShortlist(ByInnerProducts(scan, (SCORES,), IDS), FixedShortlist(rows_of(1, 2, 3)), floats(1))
    assert order.first(3, skip=NONE)[0].tolist() == [1, 2, 3]
    assert order.first(2, skip=NONE)[0].tolist() == [1, 2]
    assert order.first(2, skip=NONE)[1].tolist() == [8, 7]
    assert scan.asked == []
    assert order.among(rows_of(4, 0))[0].tolist() == [0, 4]


def test_the_keys_of_a_shortlist_keep_its_rows_before_those_that_carry_their_numbers() -> None:
    scan = Told([(rows_of(0, 4), -np.inf)])
    order = ByShortlist(ByInnerProducts(scan, (SCORES,), IDS), FixedShortlist(rows_of(1, 2, 3)), floats(1))
    ranked = order.first(5, skip=NONE)
    assert ranked.rows.tolist() == [1, 2, 3, 0, 4]
    assert ranked.numbers.tolist() == [8, 7, 6, 6, 5]  # row 0 has 9, and the shortlist missed it
    ids, numbers = order.keys(ranked)
    assert ids.tolist() == [10, 20, 50, 50, 40]
    assert numbers.tolist() == [-8, -7, -6, -6, -5]
