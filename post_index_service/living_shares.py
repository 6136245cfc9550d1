"""What people are expected to meet next, post by post, at one position of the log: what the order by user starts from.

bundle/blend.py says what it is made of. All that depends on the epoch alone is computed once, and what depends on a
person is a number for each category and for the few posts that are likely to follow their newest one.
"""

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.blend import LAST_POSTS, Blend, in_session
from bundle.index_posts import IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from post_index_service.codes import Rows, Scores
from post_index_service.live_segment import LiveRows
from post_index_service.next_posts import NO_NEXT_POSTS, NextPosts, PostSequence
from post_index_service.trends import Epoch

MOST_BYTES = 64_000_000
"""The most that is kept of epochs that later pages may ask for again; the newest is kept in any case."""
_MOST_EPOCHS = 16
_BYTES_OF_A_POST = 12
_LONGEST_HEAD = 65_536  # of a slice; more of it is computed each time
_MOST_NEXT_POSTS = 1_000  # newest posts of which it is remembered what follows


@dataclass(frozen=True, slots=True)
class PersonPart:
    """What is added for one person: the weight of their inner product, and logarithms times the blend's popularity.

    ``lifts`` are by category, ``lift`` that of all other categories; ``offsets`` and ``offset`` are their logarithms.
    ``reach`` is the largest absolute number that the logarithms of the bundle's posts come to.
    """

    weight: float
    lift: float
    lifts: Mapping[int, float]
    offset: float
    offsets: Mapping[int, float]
    next_posts: NextPosts
    reach: float


class Blended(NamedTuple):
    """What an order by user is blended of: the shares of an epoch, and a person's part."""

    living: "LivingShares"
    person: PersonPart


class LivingShares:
    """The shares of one epoch: ``shares`` float64 [posts], and ``numbers`` float32 [posts], their logarithms.

    The logarithms are multiplied by the blend's popularity.
    """

    def __init__(self, posts: "BlendedPosts", epoch: Epoch) -> None:
        self.posts, self.epoch = posts, epoch
        blend, count = posts.blend, posts.count
        trends = epoch.trends(np.arange(count))
        self._trend_total = float(trends.sum())
        self.shares = blend.shares(trends, posts.lasting)
        self.numbers: Scores = (blend.popularity * np.log(self.shares)).astype(np.float32)
        starts = np.array([start for start, _ in posts.slices.values()], dtype=np.int64)
        of_categories = np.add.reduceat(self.shares, starts) if count else np.zeros(0)
        self._category_shares = dict(zip(posts.slices, of_categories.tolist(), strict=True))
        self._heads: dict[tuple[int, int], Rows] = {}
        self._next_posts: dict[int, NextPosts] = {}
        self._live: tuple[tuple[int, int], NDArray[np.float64], Scores] | None = None

    def person(
        self, *, categories: Sequence[int], newest_post: int | None, newest_at_ms: int, history_length: int
    ) -> PersonPart:
        """The part of a person who has met so many posts: the categories of the last ones, oldest first, are known.

        ``newest_post`` is the number of the newest one, None if it is not known.
        """
        blend = self.posts.blend
        last = categories[-LAST_POSTS:]
        lift = blend.category / (len(last) + blend.category)
        lifts = {number: blend.lift(last.count(number), len(last), self._share_of(number)) for number in set(last)}
        offset = blend.popularity * math.log(lift)
        offsets = {number: blend.popularity * math.log(value) for number, value in lifts.items()}
        next_posts = NO_NEXT_POSTS
        if newest_post is not None and in_session(self.epoch.clock_ms, newest_at_ms):
            next_posts = self._following(newest_post)
        farthest = max(abs(offset), *map(abs, offsets.values())) if offsets else abs(offset)
        return PersonPart(
            weight=float(np.float32(blend.tower_weight(history_length))),
            lift=lift,
            lifts=lifts,
            offset=offset,
            offsets=offsets,
            next_posts=next_posts,
            reach=blend.popularity * self.posts.farthest + farthest,
        )

    def _share_of(self, category_id: int) -> float:
        """A category's share of what people meet."""
        return float(self._category_shares.get(category_id, self.posts.floor))

    def _following(self, number: int) -> NextPosts:
        known = self._next_posts.get(number)
        if known is None:
            known = self.posts.sequence.after(number, self.epoch)
            if len(self._next_posts) < _MOST_NEXT_POSTS:
                self._next_posts[number] = known
        return known

    def head(self, span: slice, count: int) -> Rows:
        """The ``count`` rows of a slice with the largest numbers, or all if there are fewer; relative to its start.

        Of equal numbers the smaller post id comes first.
        """
        key = (span.start, span.stop)
        head = self._heads.get(key)
        wanted = min(count, span.stop - span.start)
        if head is None or len(head) < wanted:
            room = min(max(2 * wanted, 1024), span.stop - span.start)
            head = self._best(span, room)
            if room <= _LONGEST_HEAD:
                self._heads[key] = head.astype(np.int32)
        return head[:wanted].astype(np.int64)

    def _best(self, span: slice, count: int) -> Rows:
        numbers, ids = self.numbers[span], self.posts.post_ids[span]
        rows = np.arange(len(numbers))
        if 0 < count < len(numbers):
            least = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
            larger, equal = np.flatnonzero(numbers > least), np.flatnonzero(numbers == least)
            left = count - len(larger)
            if left < len(equal):
                equal = equal[np.argpartition(ids[equal], left - 1)[:left]]
            rows = np.concatenate([larger, equal])
        return rows[np.lexsort((ids[rows], -numbers[rows]))]

    def of_live(self, live: LiveRows) -> tuple[NDArray[np.float64], Scores]:
        """The shares and the numbers of all rows of the live segment, as those of the bundle's posts."""
        key = (len(live), int(live.serials[-1]) if len(live) else -1)  # rows are appended, or dropped
        known = self._live
        if known is None or known[0] != key:
            of_bundle = live.trend_rows < self.posts.count
            shares = np.empty(len(live))
            shares[of_bundle] = self.shares[live.trend_rows[of_bundle]]
            shares[~of_bundle] = self.posts.blend.share_of_new(
                self.epoch.trends(live.trend_rows[~of_bundle]), trend_total=self._trend_total, count=self.posts.count
            )
            numbers = (self.posts.blend.popularity * np.log(shares)).astype(np.float32)
            self._live = known = key, shares, numbers
        return known[1], known[2]


class BlendedPosts:
    """The posts of one bundle, whose order by user is blended; may be called from several threads.

    ``slices`` are those of the categories, 0 for none among them: from which row, and until which.
    """

    def __init__(self, posts: IndexPosts, blend: Blend, lasting: NDArray[np.float32], steps: PostSteps) -> None:
        self.blend, self.post_ids = blend, posts.post_ids
        self.count = len(posts.post_ids)
        self.lasting = lasting if len(lasting) else np.zeros(self.count, dtype=np.float32)
        self.floor = blend.floor / max(self.count, 1)
        # No share is smaller than the floor, and none is larger than 1; what follows a post comes on top of it.
        self.farthest = max(-math.log(self.floor), math.log1p(blend.followers + blend.order))
        numbers, starts, counts = np.unique(posts.category_ids, return_index=True, return_counts=True)
        self.slices = {
            number: (start, start + count)
            for number, start, count in zip(numbers.tolist(), starts.tolist(), counts.tolist(), strict=True)
        }
        self.category_ids = posts.category_ids
        self.sequence = PostSequence(posts, steps, blend)
        size = min(max(_BYTES_OF_A_POST * self.count, MOST_BYTES // _MOST_EPOCHS), MOST_BYTES)
        self._known: LRUCache[int, LivingShares] = LRUCache(MOST_BYTES, getsizeof=lambda _: size)
        self._lock = threading.Lock()  # so that an epoch is computed once

    @classmethod
    def of(cls, posts: IndexPosts, blend: Blend, trends: PostTrends | None, steps: PostSteps | None) -> Self | None:
        """Those of a bundle; None if its order by user is that of the inner product."""
        if blend.popularity == 0:
            return None
        count = len(posts.post_ids)
        lasting = (trends or PostTrends.none(count)).lasting
        return cls(posts, blend, lasting, steps or PostSteps.none(count))

    def at(self, epoch: Epoch) -> LivingShares:
        """The shares of an epoch."""
        with self._lock:
            known = self._known.get(epoch.position)
            if known is None or known.epoch is not epoch:
                known = self._known[epoch.position] = LivingShares(self, epoch)
            return known
