"""Pages as of the position of the first one, the life of a page token, and positions that a caller asks for."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway import page_token
from gateway.feed import get_feed
from gateway.feed_types import (
    NO_WISH,
    DependencyUnavailableError,
    Feed,
    FeedContext,
    FeedRequest,
    InvalidPageTokenError,
    InvalidPositionError,
    LogWish,
    PositionNotReachedError,
)
from gateway.token_life import TokenLife
from tests.gateway.test_feed import BUNDLE, FakeIndex

MINUTES = 15


class AMinute:
    def seconds_left(self) -> float:
        return 60.0


@dataclass
class LoggedTower:
    """Knows everybody; has read the log up to ``position``, None without one."""

    position: int | None = 40
    is_down: bool = False
    wishes: list[LogWish] = field(default_factory=list)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        self.wishes.append(log)
        if self.is_down:
            raise DependencyUnavailableError("user_tower_service is unavailable")
        if log.at_least > (self.position or 0):
            raise PositionNotReachedError(f"position {log.at_least} is not reached")
        return FeedContext(
            user=(1, BUNDLE),
            bundle_id=BUNDLE,
            position=self.position if log.as_of is None else log.as_of,
            not_interested_post_ids=(5,),
            withheld_post_ids=(6,),
        )


@dataclass
class World:
    tower: LoggedTower = field(default_factory=LoggedTower)
    index: FakeIndex = field(default_factory=FakeIndex)
    now_ms: int = 1_700_000_000_000

    def ask(self, **fields: object) -> Feed:
        request = FeedRequest("ana", **fields)
        life = TokenLife(MINUTES * 60_000, lambda: self.now_ms)
        return asyncio.run(get_feed(request, encoder=self.tower, index=self.index, clock=AMinute(), tokens=life))


def test_later_pages_ask_for_the_user_as_of_the_position_of_the_first() -> None:
    world = World()
    page = world.ask(page_size=10)
    assert page.position == 40
    world.tower.position = 90
    second = world.ask(page_size=10, page_token=page.next_page_token)
    third = world.ask(page_size=10, page_token=second.next_page_token)
    assert world.tower.wishes == [NO_WISH, LogWish(as_of=40, at_least=40), LogWish(as_of=40, at_least=40)]
    assert (second.position, third.position) == (40, 40)
    assert world.ask().position == 90


def test_position_zero_is_a_position_and_no_log_is_none() -> None:
    for position, wish in ((0, LogWish(as_of=0)), (None, NO_WISH)):
        world = World(LoggedTower(position))
        page = world.ask(page_size=10)
        assert page.position == 0
        world.ask(page_size=10, page_token=page.next_page_token)
        assert world.tower.wishes[1] == wish


def test_what_does_not_interest_reaches_the_index() -> None:
    world = World()
    world.ask()
    context = world.index.searches[0].context
    assert (context.not_interested_post_ids, context.withheld_post_ids) == ((5,), (6,))


def test_a_page_token_is_valid_for_its_minutes_and_no_longer() -> None:
    world = World()
    token = world.ask(page_size=10).next_page_token
    world.now_ms += MINUTES * 60_000
    second = world.ask(page_size=10, page_token=token)
    world.now_ms += 1
    with pytest.raises(InvalidPageTokenError, match="older than 15 minutes: start again at the first page"):
        world.ask(page_size=10, page_token=token)
    assert world.ask(page_size=5, page_token=second.next_page_token).posts  # each page has a token of its own


def test_a_clock_that_was_set_back_makes_no_token_invalid() -> None:
    world = World()
    token = world.ask(page_size=10).next_page_token
    world.now_ms -= 3_600_000
    assert world.ask(page_size=10, page_token=token).posts


def test_a_position_that_is_asked_for_must_be_reached_and_is_no_reason_for_a_degraded_feed() -> None:
    world = World()
    assert world.ask(at_least_position=40).position == 40
    with pytest.raises(PositionNotReachedError):
        world.ask(at_least_position=41)
    world.tower.is_down = True
    assert world.ask().degradations
    with pytest.raises(DependencyUnavailableError):
        world.ask(at_least_position=1)


def test_a_negative_position_is_malformed() -> None:
    with pytest.raises(InvalidPositionError, match="at_least_position is -1, it must not be negative"):
        World().ask(at_least_position=-1)


def test_each_answer_has_another_name_that_says_nothing_but_the_bundle() -> None:
    world = World()
    names = {world.ask().feed_id for _ in range(20)}
    assert len(names) == 20
    assert {name[24:] for name in names} == {BUNDLE[:8]}


def test_a_token_keeps_its_position_and_its_time() -> None:
    for position in (None, 0, 2**63 - 1):
        token = page_token.PageToken(BUNDLE, b"d" * 16, 7, frozenset({"user"}), position, 2**40)
        assert page_token.read(page_token.write(token)) == token
