"""First passes over the rows that filters allow. Which one is fastest depends on how many rows they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from post_index_service.codes import CodedQuery, Codes, Rows, among_sorted
from post_index_service.filters import Allowed
from post_index_service.ranking import FETCHED_MORE, Scan

_MOST_LISTED = 1_024
"""Rows that are ranked by exact scores without a scan."""
_GATHERED_SHARE = 0.25
"""Of the rows of a slice: more of them are skipped in a scan of all, as copying their codes takes longer."""


def scan_of(codes: Codes, span: slice, query: CodedQuery, allowed: Allowed | None) -> Scan:
    """The fastest scan of the allowed rows of a slice."""
    if allowed is None:
        return CodedScan(codes, span, query)
    if allowed.count <= _MOST_LISTED:
        return ListedScan(allowed.rows)
    if allowed.spans is not None:
        return SpansScan(codes, span, query, allowed.spans, allowed.count)
    if allowed.count <= _GATHERED_SHARE * (span.stop - span.start):
        return GatheredScan(codes, span, query, allowed)
    return MaskedScan(codes, span, query, allowed)


@dataclass(frozen=True, slots=True)
class CodedScan:
    """Scans the codes of the slice ``span``."""

    codes: Codes
    span: slice
    query: CodedQuery

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS."""
        total = self.span.stop - self.span.start
        fetched = 2 * count + FETCHED_MORE + min(len(skip), count)
        if fetched >= total:
            rows, bound = np.arange(total), -np.inf
        else:
            rows, bound = self.codes.nearest(self.span, self.query, fetched)
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class ListedScan:
    """All allowed rows: they are so few that their exact scores are computed."""

    rows: Rows

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:  # noqa: ARG002 - all of them, always
        """The rows."""
        return self.rows[~among_sorted(self.rows, skip)], -np.inf


@dataclass(frozen=True, slots=True)
class SpansScan:
    """Scans the codes of ``spans``, which are relative to the slice ``span`` and have ``total`` rows together."""

    codes: Codes
    span: slice
    query: CodedQuery
    spans: Sequence[slice]
    total: int

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS over all of them."""
        fetched = _fetched(count, skip)
        if fetched >= self.total:
            rows, bound = np.concatenate([np.arange(part.start, part.stop) for part in self.spans]), -np.inf
        else:
            first = self.span.start
            whole = [slice(first + part.start, first + part.stop) for part in self.spans]
            rows, bound = self.codes.nearest_in(whole, self.query, fetched)
            rows -= first
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class GatheredScan:
    """Scans copies of the allowed rows' codes, which may be remembered."""

    codes: Codes
    span: slice
    query: CodedQuery
    allowed: Allowed

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS over the copies."""
        rows, bound = self.allowed.rows, -np.inf
        fetched = _fetched(count, skip)
        if fetched < len(rows):
            again = self.allowed if self.allowed.comes_again else None
            rows, bound = self.codes.nearest_among(rows, self.span, self.query, fetched, again=again)
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class MaskedScan:
    """Scans the codes of the whole slice ``span`` and fetches so many more that enough of them are allowed."""

    codes: Codes
    span: slice
    query: CodedQuery
    allowed: Allowed

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS."""
        total = self.span.stop - self.span.start
        fetched = -(-_fetched(count, skip) * total // self.allowed.count)
        if fetched >= total:
            rows, bound = self.allowed.rows, -np.inf
        else:
            rows, bound = self.codes.nearest(self.span, self.query, fetched)
            rows = rows[self.allowed.passes(rows)]
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class SkippingScan:
    """Another scan, of a slice that is so small that the rows that are not allowed are skipped one by one."""

    scan: Scan
    disallowed: Rows

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """That of the other scan."""
        return self.scan.nearest(count, skip=np.union1d(skip, self.disallowed))


def _fetched(count: int, skip: Rows) -> int:
    return 2 * count + FETCHED_MORE + min(len(skip), count)
