"""What the gateway remembers of people is used only as long as it would have heard of their changes."""

import asyncio
from dataclasses import dataclass, field

from gateway.context_cache import CachingContextEncoder, ContextCache
from gateway.feed_types import NO_WISH, FeedContext, LogWish
from gateway.people_changes import LONGEST_SILENCE_SECONDS, PeopleChanges

BUNDLE = "ab" * 32


@dataclass
class LoggedTower:
    """Has read the log up to ``position``; people change by hand."""

    position: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, LogWish]] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.asked.append((username, log))
        position = self.position if log.as_of is None else log.as_of
        changed = self.changed.get(username, 0)
        return FeedContext(
            user=(username, min(changed, position)),
            bundle_id=BUNDLE,
            position=position,
            changed_position=changed if changed <= position else 0,
        )


class World:
    def __init__(self, *, size: int = 100) -> None:
        self.now = 0.0
        self.tower = LoggedTower()
        self.changes = PeopleChanges(size=size, now=lambda: self.now)
        self.encoder = CachingContextEncoder(self.tower, ContextCache(size), self.changes)

    def hear(self, position: int, *usernames: str, is_everybody: bool = False) -> None:
        self.changes.hear(position, usernames, is_everybody=is_everybody, has_store=True)

    def ask(self, username: str, log: LogWish = NO_WISH) -> FeedContext:
        return asyncio.run(self.encoder.encode_context(username, "", bundle_id="", seconds=1, log=log))

    @property
    def calls(self) -> int:
        return len(self.tower.asked)


def test_a_person_who_has_not_changed_is_not_asked_for_again_and_stands_where_was_heard_to() -> None:
    world = World()
    world.hear(0)
    world.tower.position = 5
    world.ask("ana")
    world.hear(9, "bob")
    assert world.ask("ana").position == 9
    assert world.calls == 1


def test_a_person_who_has_changed_is_asked_for_again_and_the_position_is_wanted() -> None:
    world = World()
    world.hear(0)
    world.ask("ana")
    world.tower.position = world.tower.changed["ana"] = 7
    world.hear(7, "ana")
    assert world.ask("ana").user == ("ana", 7)
    assert world.tower.asked[-1] == ("ana", LogWish(wanted=7))
    world.ask("ana")
    assert world.calls == 2


def test_after_a_silence_nothing_is_used_until_something_is_heard_again() -> None:
    world = World()
    world.ask("ana")
    world.ask("ana")
    assert world.calls == 2  # nothing has been heard yet
    world.hear(0)
    world.ask("ana")
    world.ask("ana")
    assert world.calls == 3
    world.now += LONGEST_SILENCE_SECONDS
    world.ask("ana")
    assert world.calls == 4
    world.hear(0)
    world.ask("ana")
    assert world.calls == 4


def test_what_was_recorded_here_counts_before_it_is_heard_of() -> None:
    world = World()
    world.hear(0)
    world.ask("ana")
    world.changes.note_own({"ana"}, 3)
    world.ask("ana")  # the tower that answers is behind
    assert world.tower.asked[-1] == ("ana", LogWish(wanted=3))
    world.ask("ana")
    assert world.calls == 3  # so its answer was not kept
    world.tower.position = 3
    world.ask("ana")
    world.ask("ana")
    assert world.calls == 4


def test_a_later_page_wants_what_was_recorded_here_too() -> None:
    """What has become not interesting since the first page leaves it, whichever tower answers."""
    world = World()
    world.hear(0)
    world.changes.note_own({"ana"}, 7)
    world.ask("ana", LogWish(as_of=5, at_least=5))
    assert world.tower.asked[-1] == ("ana", LogWish(as_of=5, at_least=5, wanted=7))


def test_an_answer_from_before_a_change_that_was_heard_meanwhile_is_not_kept() -> None:
    world = World()
    world.hear(0)
    world.hear(8, "ana")
    world.tower.position = 6
    world.ask("ana")
    world.tower.position = 8
    assert world.ask("ana").position == 8
    assert world.calls == 2


def test_everybody_is_forgotten_when_it_is_not_known_who_changed() -> None:
    world = World()
    world.hear(0)
    for username in ("ana", "bob"):
        world.ask(username)
    world.hear(5, is_everybody=True)
    for username in ("ana", "bob"):
        world.ask(username)
    assert world.calls == 4


def test_an_answer_from_before_everybody_was_forgotten_is_not_kept() -> None:
    world = World()
    world.hear(90, "ana")
    world.hear(100, is_everybody=True)
    world.tower.position = 90
    world.ask("ana")
    assert world.tower.asked[-1][1].wanted == 100
    world.ask("ana")
    assert world.calls == 2


def test_another_log_that_begins_anew_leaves_nobody_waiting_for_positions_of_the_old_one() -> None:
    world = World()
    world.hear(90, "ana")
    world.hear(3, is_everybody=True)
    assert world.changes.last_change_of("ana") == 3


def test_of_those_whose_change_is_no_longer_remembered_the_newest_such_change_is_wanted() -> None:
    world = World(size=2)
    world.hear(0)
    for position, username in enumerate(("ana", "bob", "cleo", "dora"), start=1):
        world.hear(position, username)
    world.ask("ana")
    assert world.tower.asked[-1] == ("ana", LogWish(wanted=2))


def test_a_later_page_is_answered_from_memory_only_as_of_its_position() -> None:
    world = World()
    world.hear(0)
    world.tower.position = world.tower.changed["ana"] = 4
    world.hear(4, "ana")
    world.ask("ana")
    assert world.ask("ana", LogWish(as_of=4, at_least=4)).position == 4
    world.hear(6)
    assert world.ask("ana", LogWish(as_of=5, at_least=5)).position == 5
    assert world.calls == 1
    world.ask("ana", LogWish(as_of=3, at_least=3))  # before the last change
    world.ask("ana", LogWish(as_of=7, at_least=7))  # after what has been heard
    assert world.calls == 3
    assert world.ask("ana").user == ("ana", 4)  # pages are not kept
    assert world.calls == 3


def test_a_position_that_must_be_reached_is_answered_from_memory_only_if_it_has_been_heard_of() -> None:
    world = World()
    world.hear(0)
    world.ask("ana")
    world.ask("ana", LogWish(at_least=2))
    assert world.calls == 2
    world.hear(2)
    world.ask("ana", LogWish(at_least=2))
    assert world.calls == 2


def test_what_no_log_stands_behind_is_kept_as_ever() -> None:
    tower = LoggedTower()

    class Unlogged:
        async def encode_context(
            self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
        ) -> FeedContext:
            tower.asked.append((username, log))
            return FeedContext(user=username, bundle_id=BUNDLE)

    encoder = CachingContextEncoder(Unlogged(), ContextCache(10), PeopleChanges(size=10))
    for _ in range(3):
        asyncio.run(encoder.encode_context("ana", "", bundle_id="", seconds=1))
    assert tower.asked == [("ana", NO_WISH)]


def test_what_was_recorded_here_is_not_forgotten_again_when_it_is_heard_of() -> None:
    world = World()
    world.hear(0)
    world.changes.note_own({"ana"}, 3)
    world.tower.position = 3
    world.ask("ana")
    world.hear(3, "ana")
    world.ask("ana")
    assert world.calls == 1
    world.hear(4, "ana")
    world.ask("ana")
    assert world.calls == 2


def test_of_more_changes_than_are_remembered_the_oldest_counts_for_all_that_are_forgotten() -> None:
    world = World(size=2)
    world.hear(0)
    for position, username in enumerate(("ana", "bob", "ana", "cy"), start=1):
        world.hear(position, username)
    assert world.changes.last_change_of("bob") == 2
    assert world.changes.last_change_of("a stranger") == 2
    assert world.changes.last_change_of("ana") == 3
    world.changes.note_own_of_anybody(1)
    assert world.changes.last_change_of("ana") == 4
