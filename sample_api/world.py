"""A seeded world: the rows that the sample API serves, and the ground truth that it never shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.activity import Activity, simulate
from sample_api.event_rows import make_event_rows
from sample_api.latent import MOOD_LABELS, TOPICS
from sample_api.post_rows import make_post_rows
from sample_api.rows import Tables
from sample_api.sizes import sizes_of
from sample_api.user_rows import make_accounts, make_user_rows

__all__ = ["MOOD_LABELS", "TOPICS", "Truth", "World", "generate_world"]

DEFAULT_SEED = (
    21  # the first from 16 on whose world has the statistics of the snapshot (tests/sample_api/test_world.py)
)
_OWNER_POSTS = 40


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth that a metric may use and a model must not, by post id and user id.

    ``categories`` [people] are the ones that people came for; people are in the order of ``user_ids``.
    """

    post_ids: tuple[int, ...]
    topics: tuple[str, ...]
    moods: tuple[str, ...]
    user_ids: tuple[int, ...]
    categories: NDArray[np.int64]
    post_categories: NDArray[np.int64]
    appeal: NDArray[np.float64]

    def affinities(self, people: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much people are drawn to posts: float64 [people, posts].

        A post's lasting appeal, the same for everybody, and 3 more in the category that a person came for.
        """
        same = self.categories[people][:, None] == self.post_categories
        return np.asarray(self.appeal + 3.0 * same)


@dataclass(frozen=True, slots=True)
class World:
    """The rows that the sample API serves, and the ground truth behind them."""

    tables: Tables
    truth: Truth


def generate_world(seed: int = DEFAULT_SEED, *, scale: float = 1.0) -> World:
    """Make a world in a fraction of a second; equal seed and scale give an equal world on any date.

    ``scale`` 1 has the size of the snapshot: people and events grow with it, posts with its root. Raises ScaleError.
    """
    sizes = sizes_of(scale)
    random = np.random.default_rng(seed)
    activity = simulate(random, sizes)
    posts, people = activity.posts, activity.people
    post_ids = np.cumsum(random.integers(1, 4, size=len(posts.created))) + 600
    accounts = make_accounts(random, seed, users=sizes.users, is_admin=people.is_admin, owners=sizes.owners)
    user_ids = accounts.ids[accounts.people]
    views = np.bincount(activity.views.post, minlength=len(post_ids))
    post_rows = make_post_rows(posts, seed=seed, ids=post_ids, views=views, accounts=accounts)
    of_verb = {
        "view": activity.views,
        "like": activity.likes,
        "inspire": activity.inspires,
        "rating": activity.ratings,
    }
    rows = {
        verb: make_event_rows(random, events, verb, post_ids=post_ids, user_ids=user_ids)
        for verb, events in of_verb.items()
    }
    return World(
        tables=Tables(
            views=rows["view"],
            likes=rows["like"],
            inspires=rows["inspire"],
            ratings=rows["rating"],
            posts=post_rows,
            users=make_user_rows(accounts),
            owner_posts=post_rows[:_OWNER_POSTS],
        ),
        truth=_truth(activity, post_ids, user_ids),
    )


def _truth(activity: Activity, post_ids: NDArray[np.int64], user_ids: NDArray[np.int64]) -> Truth:
    posts = activity.posts
    return Truth(
        post_ids=tuple(post_ids.tolist()),
        topics=tuple(TOPICS[topic] for topic in posts.topics),
        moods=tuple(MOOD_LABELS[mood] for mood in posts.moods),
        user_ids=tuple(user_ids.tolist()),
        categories=activity.people.category,
        post_categories=posts.categories,
        appeal=activity.feeds.appeal,
    )
