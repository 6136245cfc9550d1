"""The stand-in is like the real thing: its statistics within a fifth of those measured upstream."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sample_api.rows import Rows
from sample_api.sizes import ScaleError
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


def test_people_meet_what_they_came_for(world: World, events: list[Event]) -> None:
    truth = world.truth
    came_for = dict(zip(truth.user_ids, truth.categories.tolist(), strict=True))
    category = dict(zip(truth.post_ids, truth.post_categories.tolist(), strict=True))
    same = np.mean([came_for[user] == category[post] for user, post, _, _ in events])
    chance = np.bincount(truth.post_categories).max() / len(category)
    assert same > 0.6 > chance + 0.1


def test_nothing_is_met_before_it_was_made(world: World, events: list[Event]) -> None:
    made = {row["id"]: row["created_at"] for row in world.tables.posts}
    for _, post, moment, _ in events:
        created = made[post]
        assert not isinstance(created, int) or moment.replace(tzinfo=UTC).timestamp() + 1 >= created / 1000


def test_a_larger_world_has_more_people_and_events_and_the_root_of_the_posts() -> None:
    tables = generate_world(2, scale=9).tables
    assert near(len(tables.posts), 3 * 1251)
    assert near(len(tables.users), 9 * 1207)
    assert near(len(tables.views), 9 * 5534)


@pytest.mark.parametrize("scale", [0, 0.01, 1001, -1, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_generated_is_refused(scale: float) -> None:
    with pytest.raises(ScaleError, match=r"between 0.05 and 1,000"):
        generate_world(scale=scale)


def test_a_slice_of_rows_makes_no_row_until_it_is_read() -> None:
    made: list[int] = []

    def row_of(index: int) -> dict[str, int]:
        made.append(index)
        return {"id": index}

    rows = Rows(range(10_000_000), row_of)
    page = rows[5:][1000:1003]
    assert made == []
    assert [row["id"] for row in page] == [1005, 1006, 1007]
    assert made == [1005, 1006, 1007]
