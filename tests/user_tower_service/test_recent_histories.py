"""What a context tells of a person's last posts: of the bundle, live, as of a position, and never of strangers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bundle.directory import open_bundle
from bundle.known_users import KnownUsers
from bundle.post_trends import newest_moment_of
from compute.recent_history import RecentHistory
from store.interactions import Verb
from tests.tiny_bundle import NEWEST_MOMENT_MS, write_tiny_bundle
from tests.user_tower_service.live_world import MOMENT, LiveWorld, live_world
from user_tower_service.history import History
from user_tower_service.live_people import LiveEvent
from user_tower_service.recent_histories import BundleHistories, moments_ms, recent_history

DAY_MS = 86_400_000


def users_of(histories: list[list[int]], days: list[list[float]]) -> KnownUsers:
    lengths = [len(history) for history in histories]
    events = sum(lengths)
    return KnownUsers(
        user_ids=np.arange(len(histories)),
        usernames=tuple(f"u{row}" for row in range(len(histories))),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        post_ids=np.array([post_id for history in histories for post_id in history], dtype=np.int64),
        verbs=np.zeros(events, dtype=np.int8),
        strengths=np.zeros(events, dtype=np.float32),
        days=np.array([day for history in days for day in history], dtype=np.float32),
    )


def event(post_id: int | None, verb: Verb = Verb.VIEW, moment: int = MOMENT, position: int = 1) -> LiveEvent:
    return LiveEvent(position, position, verb, post_id, None, moment, None, None)


def of_bundle(*post_ids: int) -> History:
    count = len(post_ids)
    return History(
        np.array(post_ids, dtype=np.int64),
        np.zeros(count, np.int8),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )


def test_of_a_bundle_the_last_ten_posts_are_told_and_the_moment_of_the_newest() -> None:
    long = list(range(100, 125))
    known = BundleHistories(users_of([[1, 2], [], long], [[-2, -0.5], [], [-1] * 25]), MOMENT)
    assert known.of(0) == RecentHistory((1, 2), 2, MOMENT - DAY_MS // 2)
    assert known.of(1) == RecentHistory((), 0, 0)
    assert known.of(2) == RecentHistory(tuple(long[-10:]), 25, MOMENT - DAY_MS)


def test_without_a_clock_no_moment_is_told() -> None:
    assert BundleHistories(users_of([[1]], [[0]]), 0).of(0) == RecentHistory((1,), 1, 0)
    assert moments_ms(np.zeros(1, dtype=np.float32), 0).tolist() == [0]


def test_posts_that_were_met_before_keep_their_places_and_new_ones_follow() -> None:
    events = [event(5), event(2), event(7), event(5, Verb.LIKE, MOMENT + 9), event(None), event(8, Verb.RATING)]
    found = recent_history(of_bundle(1, 2, 3), events, newest_moment_ms=MOMENT - DAY_MS, is_merged=False)
    assert found == RecentHistory((1, 2, 3, 5, 7, 8), 6, MOMENT + 9)


def test_what_was_skipped_or_does_not_interest_was_not_met() -> None:
    events = [event(5, Verb.SKIP), event(6, Verb.NOT_INTERESTED, MOMENT + 1)]
    found = recent_history(of_bundle(1), events, newest_moment_ms=MOMENT - DAY_MS, is_merged=False)
    assert found == RecentHistory((1,), 1, MOMENT - DAY_MS)


def test_the_newest_ten_are_told_of_a_bundle_and_live_together_and_of_merged_people_each_post_once() -> None:
    events = [event(post_id) for post_id in range(20, 26)]
    found = recent_history(of_bundle(*range(1, 9)), events, newest_moment_ms=0, is_merged=False)
    assert found == RecentHistory((5, 6, 7, 8, *range(20, 26)), 14, MOMENT)
    merged = recent_history(of_bundle(1, 2, 1, 3, 2), [], newest_moment_ms=0, is_merged=True)
    assert merged == RecentHistory((1, 2, 3), 3, 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LiveWorld]:
    with live_world(tmp_path) as world:
        yield world


def test_contexts_tell_it_of_the_bundle_live_and_as_of_a_position(world: LiveWorld) -> None:
    assert world.context("ana").recent == RecentHistory((10, 60, 20), 3, NEWEST_MOMENT_MS - DAY_MS)
    assert world.context("béla").recent == RecentHistory((), 0, 0)
    assert world.context("nobody").recent is None
    first = world.did("ana", Verb.VIEW, 50).position
    second = world.did("ana", Verb.LIKE, 777, moment=MOMENT + 5).position  # a post that the tower does not know
    world.did("ana", Verb.SKIP, 30, moment=MOMENT + 9)
    now = world.context("ana")
    assert now.recent == RecentHistory((10, 60, 20, 50, 777), 5, MOMENT + 5)
    assert world.context("ana", as_of=first).recent == RecentHistory((10, 60, 20, 50), 4, MOMENT)
    assert world.context("ana", as_of=second).recent == now.recent
    world.took_back("ana", f"ana {Verb.VIEW} 50 {MOMENT}")
    assert world.context("ana").recent == RecentHistory((10, 60, 20, 777), 4, MOMENT + 5)
    world.did("somebody new", Verb.VIEW, 20)
    assert world.context("somebody new").recent == RecentHistory((20,), 1, MOMENT)
    world.people.delete_person("ana")
    assert world.context("ana").recent is None


def test_the_newest_moment_of_a_bundle_is_read_alone(tmp_path: Path) -> None:
    assert newest_moment_of(open_bundle(write_tiny_bundle(tmp_path))) == NEWEST_MOMENT_MS
