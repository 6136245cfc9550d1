"""Which scan the allowed rows of a slice get, and what a scan fetches in its first pass."""

from dataclasses import replace

import numpy as np
import pytest

from post_index_service import filtered_scans
from post_index_service.codes import NO_ROWS, CodedQuery, Codes, Rows
from post_index_service.filtered_scans import CodedScan, GatheredScan, ListedScan, MaskedScan, SpansScan, scan_of
from post_index_service.filters import Allowed
from post_index_service.ranking import Scan
from tests.post_index_service.conftest import unit_rows

VECTORS = unit_rows(np.random.default_rng(0), 400, 8)
QUERY = unit_rows(np.random.default_rng(1), 1, 8)[0]
CODES = Codes.of(VECTORS)
CODED: CodedQuery = CODES.query(QUERY)
SPAN = slice(100, 300)


def by_mask(*rows: range, length: int = 200) -> Allowed:
    mask = np.zeros(length, dtype=np.bool_)
    for part in rows:
        mask[part.start : part.stop : part.step] = True
    return Allowed.by_mask(mask)


def by_spans(*spans: slice) -> Allowed:
    return Allowed.by_spans(spans, length=200, names_categories=False)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, CodedScan),
        (by_mask(range(10)), ListedScan),
        (by_mask(range(11)), GatheredScan),
        (by_mask(range(50)), GatheredScan),  # a quarter of the slice
        (by_mask(range(51)), MaskedScan),
        (by_mask(range(200)), MaskedScan),
        (by_spans(slice(0, 5), slice(90, 95)), ListedScan),
        (by_spans(slice(0, 5), slice(90, 96)), SpansScan),
        (by_spans(slice(0, 200)), SpansScan),
    ],
)
def test_few_rows_are_listed_whole_categories_scanned_and_of_others_a_quarter_copied(
    allowed: Allowed | None, expected: type[Scan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtered_scans, "_MOST_LISTED", 10)
    assert type(scan_of(CODES, SPAN, CODED, allowed)) is expected


def test_listed_rows_are_all_of_them_without_what_is_skipped() -> None:
    rows, bound = ListedScan(np.array([3, 5, 8])).nearest(1, skip=np.array([4, 5]))
    assert (rows.tolist(), bound) == ([3, 8], -np.inf)


SPANS = (slice(0, 100), slice(140, 190))  # 150 of 200 rows
SPANNED = by_mask(range(100), range(140, 190))
SCANS: dict[str, tuple[Scan, str]] = {
    "spans": (SpansScan(CODES, SPAN, CODED, SPANS, 150), "nearest_in"),
    "gathered": (GatheredScan(CODES, SPAN, CODED, SPANNED), "nearest_among"),
    "masked": (MaskedScan(CODES, SPAN, CODED, SPANNED), "nearest"),
}


@pytest.mark.parametrize(
    ("count", "skipped", "fetched", "of_all"), [(10, 0, 84, 112), (10, 3, 87, 116), (10, 50, 94, 126), (2, 50, 70, 94)]
)
@pytest.mark.parametrize("kind", SCANS)
def test_a_scan_fetches_twice_as_many_allowed_rows_and_some_more_and_bounds_the_others(
    kind: str, count: int, skipped: int, fetched: int, of_all: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, name = SCANS[kind]
    asked: list[int] = []
    scanned = getattr(Codes, name)

    def noted(codes: Codes, *arguments: object, **options: object) -> tuple[Rows, float]:
        asked.append(arguments[-1])
        found: tuple[Rows, float] = scanned(codes, *arguments, **options)
        return found

    monkeypatch.setattr(Codes, name, noted)
    skip = np.arange(skipped)
    rows, bound = scan.nearest(count, skip=skip)
    assert asked == [of_all if kind == "masked" else fetched]  # three of four rows are allowed
    left = np.setdiff1d(SPANNED.rows, skip)
    assert len(rows) >= count
    assert np.isin(rows, left).all()
    others = np.setdiff1d(left, rows)
    assert len(others)
    assert (VECTORS[SPAN][others] @ QUERY).max() <= bound < 1


@pytest.mark.parametrize("kind", SCANS)
def test_a_scan_that_would_fetch_all_allowed_rows_lists_them(kind: str) -> None:
    scan, _ = SCANS[kind]
    rows, bound = scan.nearest(43, skip=np.array([0, 1, 120, 141]))  # twice 43, 64 more, and 4 that are skipped
    left = np.setdiff1d(SPANNED.rows, [0, 1, 141]).tolist()
    assert (sorted(rows.tolist()), bound) == (left, -np.inf)
    assert scan.nearest(43, skip=NO_ROWS)[1] == -np.inf  # 150 of 150, 200 of 200
    assert scan.nearest(42, skip=NO_ROWS)[1] > -np.inf


@pytest.mark.parametrize("comes_again", [True, False])
def test_copies_are_remembered_for_rows_that_come_again(comes_again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[object] = []
    nearest_among = Codes.nearest_among

    def noted(codes: Codes, *arguments: object, again: object | None) -> tuple[Rows, float]:
        remembered.append(again)
        return nearest_among(codes, *arguments, again=again)

    monkeypatch.setattr(Codes, "nearest_among", noted)
    allowed = replace(SPANNED, comes_again=comes_again)
    GatheredScan(CODES, SPAN, CODED, allowed).nearest(10, skip=NO_ROWS)
    assert remembered == [allowed if comes_again else None]
