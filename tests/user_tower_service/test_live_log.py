"""How a process follows the log: at once what it writes, soon what others write, and on when the store is back."""

import threading
from pathlib import Path

import pytest

from store.errors import StoreUnavailableError
from store.interactions import NewInteraction, Verb
from store.sql_store import open_store
from tests.user_tower_service.live_world import MOMENT, live_world
from user_tower_service.live_log import LiveLog
from user_tower_service.people_store import NoStoreError, PeopleStore, PositionNotReachedError


def row(event_id: str, username: str = "ana") -> NewInteraction:
    return NewInteraction(event_id=event_id, username=username, occurred_at_ms=MOMENT, verb=Verb.LIKE, post_id=20)


def test_what_was_recorded_before_the_process_began_is_read_before_it_serves(tmp_path: Path) -> None:
    with live_world(tmp_path, rows=[row(str(number), f"user {number}") for number in range(25)]) as world:
        assert world.live.position == 25
        assert world.context("user 24").user


def test_what_another_process_writes_is_reached_when_it_is_asked_for(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        for number in range(20):
            position = world.other_process.record([row(str(number), "from elsewhere")]).position
            assert world.live.reach(position, seconds=10)
            assert world.context("from elsewhere").changed_position == position


def test_a_position_that_the_log_does_not_have_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        assert not world.live.reach(2**62, seconds=3600)
        with pytest.raises(PositionNotReachedError, match="read up to 0"):
            world.people.catch_up(at_least=5, wanted=0, seconds=3600)
        world.people.catch_up(at_least=0, wanted=5, seconds=3600)


def test_those_who_changed_are_told_and_everybody_where_that_is_not_known(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        first = world.people.record([row("1", "ana"), row("2", "bob")]).position
        world.people.record([row("3", "cleo")])
        assert world.live.changes_after(first, seconds=0).usernames == {"cleo"}
        assert world.live.changes_after(0, seconds=0).usernames == {"ana", "bob", "cleo"}
        assert world.live.changes_after(99, seconds=0).is_everybody  # a log that has become shorter
        deleted = world.people.delete_person("bob")
        assert world.live.changes_after(first, seconds=0).is_everybody
        assert not world.live.changes_after(deleted, seconds=0).usernames


def test_a_watcher_is_woken_by_a_change(tmp_path: Path) -> None:
    with live_world(tmp_path) as world:
        heard: list[frozenset[str]] = []

        def watch() -> None:
            heard.append(world.live.changes_after(0, seconds=60).usernames)

        watcher = threading.Thread(target=watch)
        watcher.start()
        world.other_process.record([row("1", "ana")])
        watcher.join(30)
        assert heard == [{"ana"}]


def test_a_store_that_cannot_be_opened_is_opened_when_it_can(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("a file where a directory must be", encoding="utf-8")
    live = LiveLog(lambda: open_store(f"sqlite:///{place}/store.sqlite"))
    with live.followed():
        people = PeopleStore(live)
        with pytest.raises(StoreUnavailableError):
            people.record([row("1")])
        assert not live.reach(1, seconds=3600)  # nobody waits for a store that fails
        place.unlink()
        place.mkdir()
        opened = threading.Event()
        while not opened.is_set():
            try:
                assert people.record([row("1")]).position == 1
                opened.set()
            except StoreUnavailableError:
                opened.wait(0.05)
        while not live.reach(1, seconds=10):
            opened.wait(0)
        assert live.view("ana").changed_at == 1


def test_without_a_store_nothing_is_written_and_no_position_is_reached() -> None:
    people = PeopleStore(None)
    with pytest.raises(NoStoreError, match="MOODFEED_STORE_URL"):
        people.record([row("1")])
    with pytest.raises(PositionNotReachedError):
        people.catch_up(at_least=1, wanted=0, seconds=1)
    people.catch_up(at_least=0, wanted=1, seconds=1)
