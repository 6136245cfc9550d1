"""Lets a page of a feed end with a post that few people have been shown, chosen by Thompson sampling.

A page explores with the probability ``share``. Of the candidates the NOMINEES best in the feed's own ranking are drawn
for, each from the Beta distribution of its positives and impressions, and the largest draw wins. The post moves up from
its place in the ranking to the last place of the page; the order of all others stays. All that is drawn depends on the
seed, the page and the counts as of one position of the log, so every page can tell which posts moved before it: no post
comes twice, and none is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from post_index_service.codes import Rows
from post_index_service.ranking import Ranked
from post_index_service.rankings import Ranking

EXPLORED = Counter("moodfeed_explored_posts_total", "Posts in answers of the index that it explored.")

NOMINEES = 50
"""So many candidates are drawn for on a page: the best ones for the person, so that what is explored fits them."""
PRIOR = (1.0, 9.0)
"""Positives, and impressions without one, that a post starts with.

The mean is .1, and it weighs no more than ten impressions: the first tens of impressions decide, and a post without any
is drawn above .25 about once in 13 times.
"""
MOST_CANDIDATES = 1_000
"""So many candidates are ranked; of more, the seed says which."""

EXPLORED_RANKINGS = frozenset({Ranking.USER, Ranking.MOOD, Ranking.MOOD_THEN_USER})
_NONE = np.zeros(0, dtype=np.int64)


def count_explored(shown: Rows, explored: Rows) -> None:
    """Count the explored rows among those of a page."""
    if len(explored):
        EXPLORED.inc(int(np.isin(shown, explored).sum()))


@dataclass(frozen=True, slots=True)
class Exploration:
    """The share of a feed's pages that explore, 0..1, and what its draws start from, 0..2**64 - 1.

    All pages of a feed have the same seed and the same limit, and each offset is a multiple of the limit.
    """

    share: float
    seed: int

    def explores(self, page: int) -> bool:
        """Whether a page, from 0 on, explores if there is a candidate."""
        return bool(self._random(page, "page").random() < self.share)

    def explores_any(self, pages: int) -> bool:
        """Whether any of the first ``pages`` explores."""
        return any(self.explores(page) for page in range(pages))

    def sample(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of posts, at most MOST_CANDIDATES places ascending by id.

        The sample of several shards together is the sample of the samples of each.
        """
        by_id = np.argsort(ids)
        if len(ids) > MOST_CANDIDATES:
            drawn = self._drawn(ids[by_id])
            by_id = by_id[np.sort(np.argpartition(drawn, MOST_CANDIDATES)[:MOST_CANDIDATES])]
        return by_id

    def _drawn(self, ids: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A number for each post, another one for each id; the smallest ones are in the sample.

        It is the mixing function of SplitMix64 (Steele, Lea and Flood, 2014), which maps no two numbers to one.
        """
        mixed = ids.astype(np.uint64) + self._random(0, "sample").integers(2**64, dtype=np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)))

    def winner(self, page: int, positives: NDArray[np.int64], impressions: NDArray[np.int64]) -> int:
        """The place of the nominee that a page explores; a positive without an impression counts as one."""
        failures = np.maximum(impressions - positives, 0)
        return int(self._random(page, "draw").beta(PRIOR[0] + positives, PRIOR[1] + failures).argmax())

    def _random(self, page: int, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, page, *purpose.encode()])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Posts that may be explored, best first, with their positives and impressions: int64 [posts]."""

    ranked: Ranked
    positives: NDArray[np.int64]
    impressions: NDArray[np.int64]

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Candidates":
        """Some of them."""
        rows, scores, numbers = self.ranked
        ranked = Ranked(rows[places], scores[places], numbers[places])
        return Candidates(ranked, self.positives[places], self.impressions[places])


NO_CANDIDATES = Candidates(Ranked(_NONE, np.zeros(0, np.float32), np.zeros(0, np.float32)), _NONE, _NONE)


def with_explored(
    ranked: Ranked,
    exploration: Exploration,
    *,
    limit: int,
    movable: tuple[int, int],
    candidates: Callable[[Exploration], Candidates],
) -> tuple[Ranked, Rows]:
    """The start of a ranking with the posts of its pages that explore moved up, and the rows of those posts.

    ``ranked`` ends where a page of ``limit`` posts ends. Posts move among the places from ``movable[0]`` to
    ``movable[1]`` alone, and all candidates have places there. ``candidates`` is called if a page explores. A post that
    moved has the ranking number of the post whose place it takes.
    """
    first, end = movable
    pages = [page for page in range(min(end, len(ranked.rows)) // limit) if exploration.explores(page)]
    pages = [page for page in pages if (page + 1) * limit > first]
    if not pages:
        return ranked, _NONE
    listing = _Listing(ranked, candidates(exploration))
    for page in pages:
        listing.explore(exploration, page, limit=limit)
    return listing.whole()


class _Listing:
    """A ranking that is read from its start, and the candidates that have not been read."""

    def __init__(self, ranked: Ranked, candidates: Candidates) -> None:
        self._ranked, self._candidates = ranked, candidates
        self._read = 0  # places of the ranking
        self._parts: list[Ranked] = []
        self._length = 0
        place_of = {row: place for place, row in enumerate(ranked.rows.tolist())}
        rows = candidates.ranked.rows.tolist()
        self._places = np.array([place_of.get(row, len(place_of)) for row in rows], dtype=np.int64)
        self._has_moved = np.zeros(len(rows), dtype=np.bool_)
        self._moved: list[int] = []  # places in the candidates

    def explore(self, exploration: Exploration, page: int, *, limit: int) -> None:
        """Read up to the last place of the page, and put a candidate there if one is left."""
        self._read_on((page + 1) * limit - 1)
        left = np.flatnonzero(~self._has_moved & (self._places >= self._read))[:NOMINEES]
        if not len(left):
            return
        known = self._candidates
        winner = int(left[exploration.winner(page, known.positives[left], known.impressions[left])])
        following = self._following()
        number = self._ranked.numbers[following[:1]]
        self._parts.append(known.ranked.cut(winner, winner + 1)._replace(numbers=number))
        self._length += 1
        self._has_moved[winner] = True
        self._moved.append(winner)

    def whole(self) -> tuple[Ranked, Rows]:
        """Read the rest; as many posts as the ranking has."""
        self._read_on(len(self._ranked.rows))
        rows, scores, numbers = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        return Ranked(rows, scores, numbers), self._candidates.ranked.rows[self._moved]

    def _read_on(self, length: int) -> None:
        places = self._following()[: length - self._length]
        if len(places):
            ranked = self._ranked
            self._parts.append(Ranked(ranked.rows[places], ranked.scores[places], ranked.numbers[places]))
            self._length += len(places)
            self._read = int(places[-1]) + 1

    def _following(self) -> NDArray[np.int64]:
        """The places that have not been read, but for those of posts that have moved."""
        places = np.arange(self._read, len(self._ranked.rows))
        return places[~np.isin(places, self._places[self._has_moved])]
