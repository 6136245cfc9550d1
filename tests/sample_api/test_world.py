"""The stand-in is like the real thing: its statistics within a fifth of those measured upstream."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import numpy as np
import pytest

from sample_api.rows import Rows
from sample_api.world import MOOD_LABELS, World, generate_world

MOMENTS = {"views": "viewed_at", "likes": "liked_at", "inspires": "inspired_at", "ratings": "rated_at"}
TOLERANCE = 0.2
Event = tuple[int, int, datetime, str]


@pytest.fixture(scope="module")
def world() -> World:
    return generate_world()


@pytest.fixture(scope="module")
def events(world: World) -> list[Event]:
    """Sound events as served: orphans and malformed rows left out."""
    posts = {row["id"] for row in world.tables.posts}
    users = {row["id"] for row in world.tables.users}
    found: list[Event] = []
    for kind, key in MOMENTS.items():
        rows: Rows = getattr(world.tables, kind)
        found.extend(
            (row["user_id"], row["post_id"], datetime.fromisoformat(str(row[key])), kind)
            for row in rows
            if row["post_id"] in posts and row["user_id"] in users and not str(row[key]).startswith("0000")
        )
    return sorted(found, key=lambda event: event[2])


@pytest.fixture(scope="module")
def split(events: list[Event]) -> datetime:
    return events[-1][2] - timedelta(days=35)


def near(measured: float, expected: float) -> bool:
    return abs(measured - expected) <= TOLERANCE * expected


def test_the_sizes_are_those_of_the_snapshot(world: World, events: list[Event]) -> None:
    measured = {
        "views": len(world.tables.views),
        "likes": len(world.tables.likes),
        "inspires": len(world.tables.inspires),
        "ratings": len(world.tables.ratings),
        "posts": len(world.tables.posts),
        "users": len(world.tables.users),
        "active users": len({event[0] for event in events}),
        "touched posts": len({event[1] for event in events}),
    }
    expected = {
        "views": 5534,
        "likes": 1234,
        "inspires": 210,
        "ratings": 2803,
        "posts": 1251,
        "users": 1207,
        "active users": 831,
        "touched posts": 835,
    }
    assert {name for name in expected if not near(measured[name], expected[name])} == set(), measured


def test_activity_is_as_skewed(events: list[Event]) -> None:
    counts = np.array(list(Counter(event[0] for event in events).values()))
    assert near((counts == 1).mean(), 0.25)
    assert near(np.median(counts), 3)
    assert near(np.percentile(counts, 75), 7)
    assert near(counts.max(), 742)


def test_likes_often_have_no_view_and_inspires_repeat(events: list[Event]) -> None:
    pairs = {kind: {event[:2] for event in events if event[3] == kind} for kind in MOMENTS}
    assert near(len(pairs["likes"] - pairs["views"]), 645)
    assert len(pairs["inspires"]) < sum(event[3] == "inspires" for event in events)


def test_ratings_come_from_a_slider(world: World) -> None:
    percents = np.array([row["rating_percent"] for row in world.tables.ratings])
    assert near(np.median(percents), 21)
    assert near((percents <= 50).mean(), 0.84)
    assert (percents.min(), percents.max()) >= (1, 1)


def test_after_the_split_most_people_and_many_posts_are_new(events: list[Event], split: datetime) -> None:
    past = [event for event in events if event[2] < split]
    later = [event for event in events if event[2] >= split]
    users, posts = {event[0] for event in later}, {event[1] for event in later}
    assert near(len(users), 129)
    assert near(len(users & {event[0] for event in past}), 25)
    assert near(len(posts), 451)
    assert near(len(posts - {event[1] for event in past}), 109)


def ndcg(events: list[Event], split: datetime, world: World, scores: dict[int, float]) -> float:
    met: dict[int, set[int]] = defaultdict(set)
    targets: dict[int, set[int]] = defaultdict(set)
    for user, post, moment, _ in events:
        if moment < split:
            met[user].add(post)
        elif post not in met[user]:
            targets[user].add(post)
    order = sorted(
        (row["id"] for row in world.tables.posts), key=lambda post: (-scores.get(post, 0.0), post * 7919 % 1009)
    )
    discounts = 1 / np.log2(np.arange(10) + 2)
    gains = []
    for user, wanted in targets.items():
        feed = [post for post in order if post not in met[user]][:10]
        gain = sum(discount for post, discount in zip(feed, discounts, strict=True) if post in wanted)
        gains.append(gain / discounts[: len(wanted)].sum())
    return float(np.mean(gains))


def test_last_month_popularity_is_as_hard_to_beat_and_the_others_as_weak(
    world: World, events: list[Event], split: datetime
) -> None:
    def popular(days: float) -> dict[int, float]:
        return Counter(post for _, post, moment, _ in events if split - timedelta(days=days) <= moment < split)

    last_month = ndcg(events, split, world, popular(30))
    newest = ndcg(events, split, world, {row["id"]: row["id"] for row in world.tables.posts})
    assert near(last_month, 0.205)
    assert ndcg(events, split, world, popular(10_000)) < newest < last_month / 3


def test_summaries_come_in_every_shape(world: World) -> None:
    shapes: Counter[str] = Counter()
    for row in world.tables.posts:
        summary = row["post_summary"]
        if isinstance(summary, dict):
            shapes.update(type(summary[name]).__name__ for name in ("emotions", "actions", "audio_elements"))
    total = shapes.total()
    assert near(shapes["dict"] / total, 0.53)
    assert near(shapes["list"] / total, 0.46)
    assert 0 < shapes["NoneType"] / total < 0.03


def test_titles_categories_and_descriptions_have_their_oddities(world: World) -> None:
    posts = world.tables.posts
    assert near(sum(row["title"] == "" for row in posts) / len(posts), 0.49)
    assert sum(row["category"] == [] for row in posts) > 0
    timed_out = [row for row in posts if "timed out" in str(row["post_summary"])]
    assert 0.01 < len(timed_out) / len(posts) < 0.05
    assert any(row["post_summary"] == [] for row in posts)


def test_some_usernames_are_taken_twice(world: World) -> None:
    names = Counter(row["username"] for row in world.tables.users if row["username"])
    assert near(len(names) / sum(names.values()), 2340 / 2349)
    assert max(names.values()) == 2


def test_no_text_that_is_served_holds_a_mood_label(world: World) -> None:
    served = json.dumps([row for table in (world.tables.posts, world.tables.users) for row in table]).lower()
    assert [label for label in MOOD_LABELS if label in served] == []


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    first, again, other = (generate_world(seed, scale=0.1).tables for seed in (1, 1, 2))
    assert first == again
    assert first.views != other.views


def test_ids_ascend_with_gaps(world: World) -> None:
    for table in (world.tables.views, world.tables.posts, world.tables.users):
        ids = [row["id"] for row in table]
        assert ids == sorted(set(ids))
        assert ids[-1] - ids[0] > len(ids)


def test_what_people_like_is_what_they_have_a_taste_for(world: World, events: list[Event]) -> None:
    truth = world.truth
    users = {user: row for row, user in enumerate(truth.user_ids)}
    posts = {post: row for row, post in enumerate(truth.post_ids)}

    def mean_affinity(kind: str) -> float:
        return float(np.mean([truth.affinities[users[u], posts[p]] for u, p, _, verb in events if verb == kind]))

    assert mean_affinity("likes") > mean_affinity("views") + 0.2
