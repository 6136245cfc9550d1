"""A search shows what this gateway has changed, and is made without it rather than not at all."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.feed_types import (
    DeadlineExceededError,
    DependencyUnavailableError,
    FeedContext,
    FoundPosts,
    PositionNotReachedError,
    Search,
)
from gateway.own_writes import BEHIND, OwnWrites, OwnWritesPostSearch
from tests.gateway.test_feed import FakeIndex


@dataclass
class TailingIndex(FakeIndex):
    """Has read the log up to ``position``; further on it fails as ``failure`` says."""

    position: int = 0
    failure: type[Exception] = PositionNotReachedError
    seconds: list[float] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        self.seconds.append(seconds)
        if search.at_least_position > self.position:
            self.searches.append(search)
            raise self.failure(f"position {search.at_least_position} is not reached")
        return await super().search_posts(search, seconds=seconds)

    @property
    def wanted(self) -> list[int]:
        return [search.at_least_position for search in self.searches]


class World:
    def __init__(self, **index: object) -> None:
        self.now = 0.0
        self.own = OwnWrites(now=lambda: self.now)
        self.index = TailingIndex(**index)
        self.search = OwnWritesPostSearch(self.index, self.own)

    def ask(self, at_least: int = 0) -> FoundPosts:
        search: Search[object] = Search(FeedContext(), None, (), 0, 10, at_least_position=at_least)
        return asyncio.run(self.search.search_posts(search, seconds=2.0))


def test_a_search_asks_for_the_newest_change_of_this_gateway() -> None:
    world = World(position=9)
    world.ask()
    world.own.note(5)
    world.own.note(4)
    world.ask()
    world.ask(at_least=8)
    assert world.index.wanted == [0, 5, 8]


@pytest.mark.parametrize("failure", [PositionNotReachedError, DeadlineExceededError])
def test_a_search_that_no_replica_can_make_in_its_share_of_the_time_is_made_without(failure: type[Exception]) -> None:
    world = World(position=4, failure=failure)
    world.own.note(5)
    before = BEHIND._value.get()
    assert world.ask().posts
    assert world.index.wanted == [5, 0]
    assert world.index.seconds[0] == pytest.approx(1.0)
    assert 1.0 < world.index.seconds[1] <= 2.0
    assert BEHIND._value.get() == before + 1


def test_for_a_while_after_that_no_search_waits_unless_there_is_a_newer_change() -> None:
    world = World(position=4)
    world.own.note(5)
    world.ask()
    world.ask()
    assert world.index.wanted == [5, 0, 0]
    world.now = 1.0
    world.index.position = 5
    world.ask()
    assert world.index.wanted[3:] == [5]
    world.ask(at_least=5)
    world.index.position = 6
    world.own.note(6)
    world.ask()
    assert world.index.wanted[4:] == [5, 6]


def test_what_the_caller_asks_for_is_still_refused() -> None:
    world = World(position=4)
    world.own.note(3)
    with pytest.raises(PositionNotReachedError):
        world.ask(at_least=5)
    world.own.note(6)
    with pytest.raises(PositionNotReachedError):
        world.ask(at_least=5)


def test_another_fault_of_the_index_is_not_hidden() -> None:
    world = World(failure=DependencyUnavailableError)
    world.own.note(1)
    with pytest.raises(DependencyUnavailableError):
        world.ask()
    assert world.index.wanted == [1]
