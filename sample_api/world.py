"""A seeded world: the rows that the sample API serves, and the ground truth that it never shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.calendar import text_of
from sample_api.events import Attention, Event, make_attention, make_events
from sample_api.latent import MOOD_LABELS, TOPICS
from sample_api.post_rows import make_post_rows
from sample_api.rows import JsonValue, Row, Rows, Tables
from sample_api.tastes import Posts, Users, affinity, make_posts, make_users
from sample_api.user_rows import make_user_rows, make_usernames

__all__ = ["MOOD_LABELS", "TOPICS", "Truth", "World", "generate_world"]

DEFAULT_SEED = 18  # the first whose world has the statistics of the snapshot (tests/sample_api/test_world.py)
_ORPHAN_SHARE = 0.01
_MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
_OWNER_POSTS = 40


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth that a metric may use and a model must not, by post id and user id.

    ``affinities`` float64 [active users, posts], rows as in ``user_ids``, columns as in ``post_ids``.
    """

    post_ids: tuple[int, ...]
    topics: tuple[str, ...]
    moods: tuple[str, ...]
    user_ids: tuple[int, ...]
    affinities: NDArray[np.float64]
    users: Users
    posts: Posts
    attention: Attention


@dataclass(frozen=True, slots=True)
class World:
    """The rows that the sample API serves, and the ground truth behind them."""

    tables: Tables
    truth: Truth


def generate_world(seed: int = DEFAULT_SEED, *, scale: float = 1.0) -> World:
    """Make a world in about two seconds; equal seed and scale give an equal world on any date."""
    random = np.random.default_rng(seed)
    posts = make_posts(random, scale)
    users = make_users(random, scale)
    attention = make_attention(random, posts)
    events = make_events(random, users, posts, attention)
    usernames = make_usernames(random, users.total)
    views = np.bincount([event.post for event in events], minlength=len(posts.created))
    post_rows, post_ids = make_post_rows(random, posts, views=views, usernames=usernames)
    user_rows, all_user_ids = make_user_rows(random, usernames)
    user_ids = random.permutation(all_user_ids)[: len(users.events)].tolist()
    rows = {
        verb: _event_rows(random, [event for event in events if event.verb == verb], verb, post_ids, user_ids)
        for verb in _MOMENT_KEYS
    }
    return World(
        tables=Tables(
            views=rows["view"],
            likes=rows["like"],
            inspires=rows["inspire"],
            ratings=rows["rating"],
            posts=post_rows,
            users=user_rows,
            owner_posts=post_rows[:_OWNER_POSTS],
        ),
        truth=Truth(
            post_ids=tuple(post_ids),
            topics=tuple(TOPICS[topic] for topic in posts.topics),
            moods=tuple(MOOD_LABELS[mood] for mood in posts.moods),
            user_ids=tuple(user_ids),
            affinities=affinity(users, posts),
            users=users,
            posts=posts,
            attention=attention,
        ),
    )


def _event_rows(
    random: np.random.Generator, events: list[Event], verb: str, post_ids: list[int], user_ids: list[int]
) -> Rows:
    """Rows ascending by id, with gaps; one row in a hundred names a post or user that has since been deleted."""
    rows: list[Row] = []
    row_id = 17
    for event in events:
        row_id += int(random.geometric(0.6))
        row: dict[str, JsonValue] = {
            "id": row_id,
            "post_id": post_ids[event.post],
            "user_id": user_ids[event.user],
            _MOMENT_KEYS[verb]: text_of(event.day),
        }
        if verb == "rating":
            row["rating_percent"] = event.rating_percent
        rows.append(row)
        if random.random() < _ORPHAN_SHARE:
            row_id += 1
            orphan = {"post_id": post_ids[-1] + 500} if random.random() < 0.5 else {"user_id": user_ids[0] + 100_000}
            rows.append({**row, "id": row_id, **orphan})
    row_id += 1
    if rows:
        rows.append({**rows[-1], "id": row_id, _MOMENT_KEYS[verb]: "0000-00-00 00:00:00"})  # one row is malformed
    return tuple(rows)
