"""Reorders a ranking so that neighbours differ and no account fills a page; every post keeps being on exactly one page.

A ranking is divided into blocks of CANDIDATES posts, those that the user has seen apart. Each block is reordered by
itself: the next post is the one whose number plus the sum of its distances to the posts before it is largest, as
pyversity computes it (MSD, the greedy algorithm of Borodin, Lee and Ye, 2012). The first posts of a reordered block do
not depend on how many are asked for, so pages fit together.

Of an account, each page takes so many posts at most, the best first, and the others come on later pages.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyversity import Metric, msd

from bundle.embedding_space import Matrix
from post_index_service.attributes import NO_ACCOUNT
from post_index_service.codes import Rows, Scores
from post_index_service.ranking import Ranked

CANDIDATES = 100
"""Posts of a block."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A ranking that can be read from its start: ``unseen`` posts that the user has not seen, then the others.

    ``best`` gives the first so many, at most ``total``. The first ``pinned`` ones keep their places.
    """

    best: Callable[[int], Ranked]
    unseen: int
    total: int
    pinned: int = 0


Vectors = Callable[[Rows], Matrix]
"""The vectors of rows, by which they are alike: unit rows [rows, dimension]."""
OwnersOf = Callable[[Rows], NDArray[np.int32]]
"""The number of each row's account, or NO_ACCOUNT: int32 [rows]."""


def reordered_page(
    listing: Listing,
    *,
    vectors: Vectors,
    owners: OwnersOf,
    diversity: float,
    most_per_owner: int,
    offset: int,
    limit: int,
) -> tuple[Ranked, bool]:
    """A page of the reordered listing, and whether there are more after it; 0 turns either of the two off.

    The numbers never rise: each is the least of those of the posts up to there. With ``most_per_owner`` the offset is a
    multiple of the limit, and a page has fewer posts if all that are left are of accounts that have enough of them.
    """

    def diverse(first: int, last: int) -> Ranked:
        return _diverse(listing, vectors if diversity else None, diversity, first=first, last=last)

    if most_per_owner:
        return _limited_page(diverse, owners, most_per_owner, total=listing.total, number=offset // limit, size=limit)
    last = min(offset + limit, listing.total)
    return diverse(min(offset, last), last), last < listing.total


def _diverse(listing: Listing, vectors: Vectors | None, diversity: float, *, first: int, last: int) -> Ranked:
    """The places from ``first`` to ``last`` of the listing, whose blocks are reordered if there are ``vectors``."""
    blocks = [
        (start, min(start + CANDIDATES, end))
        for begin, end in ((0, listing.pinned), (listing.pinned, listing.unseen), (listing.unseen, listing.total))
        for start in range(begin + max(0, first - begin) // CANDIDATES * CANDIDATES, min(end, last), CANDIDATES)
    ]
    ranked = listing.best(blocks[-1][1] if blocks else 0)
    page = ranked.cut(0, 0)
    for start, end in blocks:
        block = ranked.cut(start, end)
        if vectors is not None and start >= listing.pinned:
            block = _reordered(block, vectors(block.rows), diversity, count=min(last, end) - start)
        block = never_rising(block.cut(0, last - start))
        page = page.followed_by(block.cut(max(0, first - start), len(block.rows)))
    return page


def _reordered(block: Ranked, vectors: Matrix, diversity: float, *, count: int) -> Ranked:
    """The first ``count`` posts of a block, reordered."""
    chosen = diversified(vectors, block.numbers, diversity, count=count)
    return Ranked(block.rows[chosen], block.scores[chosen], block.numbers[chosen])


def diversified(vectors: Matrix, numbers: Scores, diversity: float, *, count: int) -> Rows:
    """The places of the first ``count`` posts of a block when it is reordered.

    ``vectors`` are unit rows [posts, dimension]. ``numbers`` [posts] are brought to 0..1, so that a diversity means the
    same in all rankings. The weight of the distances is the square of the diversity: from a quarter of the weight on,
    pages lose more than they gain (docs/quality.md).
    """
    spread = float(numbers.max() - numbers.min()) or 1.0
    relevance = ((numbers - numbers.min()) / np.float32(spread)).astype(np.float32)
    chosen = msd(vectors, relevance, count, diversity**2, metric=Metric.DOT, normalize=False).indices
    return chosen.astype(np.int64)


def never_rising(ranked: Ranked) -> Ranked:
    """With numbers that never rise."""
    return ranked._replace(numbers=np.minimum.accumulate(ranked.numbers)) if len(ranked.rows) else ranked


def _limited_page(
    diverse: Callable[[int, int], Ranked], owners: OwnersOf, most: int, *, total: int, number: int, size: int
) -> tuple[Ranked, bool]:
    wanted = (number + 1) * size
    read = min(2 * wanted, total)
    while True:
        ranked = diverse(0, read)
        pages = assigned_pages(owners(ranked.rows).tolist(), size=size, most=most)
        on_page = pages <= number
        if read == total or on_page.sum() == wanted:
            break
        read = min(4 * read, total)
    order = np.argsort(pages[on_page], kind="stable")
    places = np.flatnonzero(on_page)[order]
    whole = never_rising(Ranked(ranked.rows[places], ranked.scores[places], ranked.numbers[places]))
    before = int((pages < number).sum())
    return whole.cut(before, len(places)), int(on_page.sum()) < total


def assigned_pages(owners: Sequence[int], *, size: int, most: int) -> NDArray[np.int64]:
    """The page of each post: the first that has room for it and fewer than ``most`` of its account; int64 [posts]."""
    filled: list[int] = []
    of_owner: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))  # the last page of an account, its posts there
    first_open = 0
    pages = np.empty(len(owners), dtype=np.int64)
    for place, owner in enumerate(owners):
        page, there = of_owner[owner]
        start = page + (there >= most) if owner != NO_ACCOUNT else 0
        at = max(start, first_open)
        while at < len(filled) and filled[at] == size:
            at += 1
        filled.extend([0] * (at + 1 - len(filled)))
        filled[at] += 1
        while first_open < len(filled) and filled[first_open] == size:
            first_open += 1
        of_owner[owner] = (at, there + 1 if at == page else 1)
        pages[place] = at
    return pages
