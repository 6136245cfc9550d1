"""What the order by user comes to by brute force, from the formula of bundle/blend.py alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from bundle.blend import Blend
from bundle.index_posts import IndexPosts
from bundle.post_steps import FARTHEST, PostSteps
from compute.recent_history import RecentHistory

BLEND = Blend(
    popularity=1.0, tower=1.5, tower_history=3.0, lasting=0.6, category=1.0, followers=0.3, order=0.3, floor=0.05
)
SESSION_MS = 30 * 60 * 1000


@dataclass(frozen=True)
class LivePost:
    """A post that the bundle lacks, or another form of one of its posts."""

    post_id: int
    category_id: int
    tower: np.ndarray
    trend: float = 0.0


@dataclass(frozen=True)
class World:
    """All that counts at one position of the log; ``followed`` are (post id, follower id) of the log alone."""

    posts: IndexPosts
    blend: Blend
    trends: np.ndarray
    lasting: np.ndarray
    steps: PostSteps
    clock_ms: int
    followed: Sequence[tuple[int, int]] = ()
    live: Sequence[LivePost] = ()
    gone: frozenset[int] = field(default_factory=frozenset)

    def shares(self) -> np.ndarray:
        """p of the bundle's posts."""
        blend, count = self.blend, len(self.posts.post_ids)
        parts = []
        if self.trends.sum() > 0:
            parts.append((1.0, self.trends / self.trends.sum()))
        if self.lasting.sum() > 0 and blend.lasting:
            parts.append((blend.lasting, self.lasting.astype(np.float64) / self.lasting.astype(np.float64).sum()))
        if not parts:
            return np.full(count, 1 / count)
        mixed = sum(weight * part for weight, part in parts) / sum(weight for weight, _ in parts)
        return (1 - blend.floor) * mixed + blend.floor / count

    def category_of(self, post_id: int) -> int | None:
        for post in self.live:
            if post.post_id == post_id:
                return post.category_id
        rows = np.flatnonzero(self.posts.post_ids == post_id)
        return int(self.posts.category_ids[rows[0]]) if len(rows) else None

    def expected_next(self, newest: int) -> Mapping[int, float]:
        """next by post id."""
        ids = self.posts.post_ids.tolist()
        counts: dict[int, float] = {}
        if newest in ids:
            row = ids.index(newest)
            for place in range(self.steps.offsets[row], self.steps.offsets[row + 1]):
                counts[ids[self.steps.followers[place]]] = float(self.steps.counts[place])
        for post, follower in self.followed:
            if post == newest:
                counts[follower] = counts.get(follower, 0.0) + 1
        total = sum(counts.values()) + 5
        found = {post_id: self.blend.followers * count / total for post_id, count in counts.items()}
        if newest in ids:
            row = ids.index(newest)
            category = self.posts.category_ids[row]
            in_order = sorted(
                (int(self.posts.created_ms[other]), ids[other])
                for other in np.flatnonzero(self.posts.category_ids == category).tolist()
            )
            names = [post_id for _, post_id in in_order]
            at = names.index(newest)
            for place, post_id in enumerate(names):
                if 0 < abs(place - at) <= FARTHEST:
                    share = float(self.steps.order_shares[place - at + FARTHEST])
                    found[post_id] = found.get(post_id, 0.0) + self.blend.order * share
        return found

    def numbers(self, user: np.ndarray, recent: RecentHistory) -> dict[int, tuple[float, float]]:
        """The number and the inner product of every visible post, by id."""
        blend, shares = self.blend, self.shares()
        count = len(self.posts.post_ids)
        of_category = {
            int(number): float(shares[self.posts.category_ids == number].sum())
            for number in np.unique(self.posts.category_ids)
        }
        last = [self.category_of(post_id) for post_id in list(recent.post_ids)[-10:]]
        last = [category for category in last if category is not None]
        expected = {}
        if recent.post_ids and recent.newest_at_ms and self.clock_ms - recent.newest_at_ms < SESSION_MS:
            expected = self.expected_next(recent.post_ids[-1])
        n = recent.count
        weight = blend.tower * n / (n + blend.tower_history) if n else 0.0

        def number(post_id: int, category: int, share: float, product: float) -> float:
            of_crowd = of_category.get(category, blend.floor / count)
            met, m, k = last.count(category), len(last), blend.category
            lift = (met + k * of_crowd) / ((m + k) * of_crowd)
            return blend.popularity * np.log(share * lift + expected.get(post_id, 0.0)) + weight * product

        found = {}
        replaced = {post.post_id for post in self.live}
        products = np.einsum("rd,d->r", self.posts.tower_embeddings, user)
        for row, post_id in enumerate(self.posts.post_ids.tolist()):
            if post_id not in self.gone and post_id not in replaced:
                category = int(self.posts.category_ids[row])
                found[post_id] = number(post_id, category, shares[row], products[row]), float(products[row])
        ids, total = self.posts.post_ids.tolist(), float(self.trends.sum())
        for post in self.live:
            if post.post_id in self.gone:
                continue
            if post.post_id in ids:
                share = shares[ids.index(post.post_id)]
            else:
                living = post.trend / total / (1 + blend.lasting) if total else 0.0
                share = (1 - blend.floor) * living + blend.floor / count
            product = float(post.tower @ user)
            found[post.post_id] = number(post.post_id, post.category_id, share, product), product
        return found


def check_ranking(
    found: Sequence[tuple[int, float, float]], expected: Mapping[int, tuple[float, float]], *, near: float = 2e-4
) -> None:
    """Posts, scores and numbers of a whole ranking; numbers as close as float32 cannot tell apart may change places."""
    assert {post_id for post_id, _, _ in found} == set(expected)
    assert len(found) == len(expected)
    numbers = [expected[post_id][0] for post_id, _, _ in found]
    np.testing.assert_allclose([number for _, _, number in found], numbers, atol=near)
    np.testing.assert_allclose(
        [score for _, score, _ in found], [expected[post_id][1] for post_id, _, _ in found], atol=1e-5
    )
    assert all(first >= second - near for first, second in pairwise(numbers))
