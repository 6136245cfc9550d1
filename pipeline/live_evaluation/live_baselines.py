"""Baselines that rank at a moment from what was known then. None is trained; the weights are set by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bundle.blend import Blend
from pipeline.live_evaluation.co_visits import CoVisits
from pipeline.live_evaluation.crowd_counts import CrowdCounts
from pipeline.live_evaluation.steps import Steps

_LAST_FOR_CATEGORY = 3
_SHRINKAGE = 5.0  # as many observations as the crowd's share counts for
_FLOOR = 0.1  # of an even share: what a post that nobody meets lately has in the blend
_NEIGHBOURS_WEIGHT, _FOLLOWERS_WEIGHT, _ORDER_WEIGHT = 3.0, 10.0, 4.0  # by hand, on sample worlds 18 and 200


@dataclass(frozen=True)  # without slots, for the cached properties
class Known:
    """What is known when a ranking is asked for.

    ``counts`` of everybody before their day, ``history`` int64: the rows of the posts that the person has met, newest
    last; ``is_in_session``: the newest of them was met less than half an hour ago; ``category_rows`` int64 [posts].
    """

    counts: CrowdCounts
    history: NDArray[np.int64]
    is_in_session: bool
    category_rows: NDArray[np.int64]
    co_visits: CoVisits
    steps: Steps

    @cached_property
    def closeness(self) -> NDArray[np.float64]:
        """Of each post to the person's last posts: float64 [posts], 0 for those that the person has met."""
        closeness = self.co_visits.closeness(self.history, self.counts.people, day=self.counts.day)
        closeness[self.history] = 0
        return closeness

    @cached_property
    def steps_from_last(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each post: how often it followed the person's last one, and the share of steps that go as far; [posts]."""
        last, day = int(self.history[-1]), self.counts.day
        return self.steps.follower_counts(last, day=day), self.steps.order_shares(last, day=day)

    def next_shares(self, blend: Blend) -> NDArray[np.float64] | None:
        """What the blend expects as the next post, float64 [posts]; None outside a session."""
        return blend.next_shares(*self.steps_from_last) if self.is_in_session else None


class SortKeys(NamedTuple):
    """``scores`` [posts] decide the order, ``fallback`` [posts] that of equal scores, then ``tie_places`` [posts]."""

    scores: NDArray[np.floating]
    fallback: NDArray[np.floating]
    tie_places: NDArray[np.int64]


LiveBaseline = Callable[[Known], SortKeys]


def last_month_popularity(known: Known) -> SortKeys:
    """People who first met the post in the last 30 days."""
    return _sort_keys(known, known.counts.month)


def short_trend(known: Known) -> SortKeys:
    """People who met the post, one 3 days ago counting 1/e."""
    return _sort_keys(known, known.counts.short_trend)


def trend(known: Known) -> SortKeys:
    """People who met the post, one 7 days ago counting 1/e."""
    return _sort_keys(known, known.counts.trend)


def category_trend(known: Known) -> SortKeys:
    """The trend of 7 days times the person's affinity to the category: (n_c + k p_c) / (n + k).

    ``n_c`` of the last ``n`` (three) posts are of the category, ``p_c`` is its share of the trend, ``k`` is 5.
    """
    return _sort_keys(known, _affinities(known)[known.category_rows] * known.counts.trend)


def co_visits(known: Known) -> SortKeys:
    """Item-kNN: cosines between the people of the last ten posts and each post's people; then the trend."""
    return _sort_keys(known, known.closeness, fallback=known.counts.trend)


def next_post_rules(known: Known) -> SortKeys:
    """(n(a, b) + k q(b)) / (n(a) + k): how often b followed the last post a, and how often steps go as far as to b.

    ``q`` is the share of all steps that go as far in the category's post order. ``k`` is 5. Then the trend.
    """
    if not len(known.history):
        return trend(known)
    followers, order = known.steps_from_last
    scores = (followers + _SHRINKAGE * order) / (followers.sum() + _SHRINKAGE)
    return _sort_keys(known, scores, fallback=known.counts.trend)


def blend(known: Known) -> SortKeys:
    """The logarithm of category x trend, plus item-kNN, followers and order of the last post, weighted by hand."""
    base = category_trend(known).scores
    scores = np.log(base / max(base.sum(), 1e-300) + _FLOOR / len(base))
    if len(known.history):
        followers, order = known.steps_from_last
        scores += _NEIGHBOURS_WEIGHT * _of_largest(known.closeness)
        scores += _FOLLOWERS_WEIGHT * followers / (followers.sum() + _SHRINKAGE)
        scores += _ORDER_WEIGHT * _of_largest(order)
    return _sort_keys(known, scores)


LIVE_BASELINES: dict[str, LiveBaseline] = {
    "last-month popularity": last_month_popularity,
    "trend of 3 days": short_trend,
    "trend of 7 days": trend,
    "category x trend": category_trend,
    "co-visits": co_visits,
    "next-post rules": next_post_rules,
    "blend": blend,
}


def _sort_keys(known: Known, scores: NDArray[np.floating], *, fallback: NDArray[np.floating] | None = None) -> SortKeys:
    return SortKeys(scores, np.zeros(len(scores)) if fallback is None else fallback, known.counts.tie_places)


def _affinities(known: Known) -> NDArray[np.float64]:
    """The person's affinity to each category: float64 [categories]."""
    count = int(known.category_rows.max(initial=0)) + 1
    crowd = np.bincount(known.category_rows, weights=known.counts.trend, minlength=count)
    last = known.category_rows[known.history[-_LAST_FOR_CATEGORY:]]
    met = np.bincount(last, minlength=count)
    return np.asarray((met + _SHRINKAGE * crowd / max(crowd.sum(), 1e-300)) / (len(last) + _SHRINKAGE))


def _of_largest(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores / max(float(scores.max(initial=0)), 1e-300)
