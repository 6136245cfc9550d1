"""What the Python client decides by itself: retries, pages, errors, event ids."""

import asyncio
import pickle
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python"))

from moodfeed_client import (
    AsyncPages,
    DeadlineError,
    FeedPost,
    GetFeedResponse,
    Interaction,
    MoodfeedError,
    NoStoreError,
    OverloadedError,
    Pages,
    PageTokenError,
    RateLimitedError,
    Retries,
    Tls,
    UnavailableError,
    Verb,
)
from moodfeed_client.errors import error_of
from moodfeed_client.requests import recording_of

RETRIES = Retries(attempts=3, first_wait_seconds=1, longest_wait_seconds=4)


def failure(kind: type[MoodfeedError], wait: float | None = None) -> MoodfeedError:
    return kind("UNAVAILABLE", "", "it failed", retry_after_seconds=wait)


def wait_after(error: MoodfeedError, *, attempt: int = 1, left: float = 60, may_repeat: bool = True) -> float | None:
    return RETRIES.wait_seconds(error, attempt=attempt, seconds_left=left, may_repeat=may_repeat)


def test_a_push_back_is_waited_for_exactly_and_only_if_the_deadline_allows_it() -> None:
    assert wait_after(failure(RateLimitedError, 0.75)) == 0.75
    assert wait_after(failure(OverloadedError, 0.1), may_repeat=False) == 0.1  # it was refused before it began
    assert wait_after(failure(RateLimitedError, 5), left=5) is None
    assert wait_after(failure(RateLimitedError, -1)) is None
    assert wait_after(failure(RateLimitedError, 0.1), attempt=3) is None


def test_without_a_push_back_the_waits_double_and_are_random() -> None:
    first = {wait_after(failure(UnavailableError)) for _ in range(50)}
    assert len(first) > 1
    assert all(wait is not None and 0.5 <= wait <= 1.5 for wait in first)
    assert 1 <= (wait_after(failure(UnavailableError), attempt=2) or 0) <= 3


@pytest.mark.parametrize("kind", [NoStoreError, DeadlineError, PageTokenError, RateLimitedError])
def test_what_a_retry_cannot_help_is_not_made_again(kind: type[MoodfeedError]) -> None:
    assert wait_after(failure(kind)) is None


def test_a_call_that_may_have_taken_effect_and_cannot_be_repeated_is_not_made_again() -> None:
    assert wait_after(failure(UnavailableError), may_repeat=False) is None


def test_each_interaction_gets_an_event_id_of_its_own_and_keeps_one_that_it_has() -> None:
    given = Interaction(username="ana", post_id=2**53 + 1, verb=Verb.LIKE)
    first, second, third = recording_of([given, given, Interaction(event_id="mine")]).interactions
    assert len({first.event_id, second.event_id, ""}) == 3
    assert third.event_id == "mine"
    assert given.event_id == ""
    assert first.post_id == 2**53 + 1


class Feed:
    """Pages of two posts, whose tokens die as often as is wanted."""

    def __init__(self, posts: int, *, dying: set[int]) -> None:
        self.calls: list[str] = []
        self._posts = posts
        self._dying = dying

    def ask(self, page_token: str) -> GetFeedResponse:
        self.calls.append(page_token)
        if page_token and len(self.calls) in self._dying:
            raise error_of("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "too old")
        start = int(page_token or 0)
        ids = range(start, min(start + 2, self._posts))
        token = str(start + 2) if start + 2 < self._posts else ""
        return GetFeedResponse(posts=[FeedPost(post_id=post_id) for post_id in ids], next_page_token=token)

    async def ask_async(self, page_token: str) -> GetFeedResponse:
        return self.ask(page_token)


def test_pages_end_and_can_be_resumed_by_their_token() -> None:
    pages = Pages(Feed(5, dying=set()).ask)
    assert [post.post_id for post in next(pages).posts] == [0, 1]
    resumed = Pages(Feed(5, dying=set()).ask, page_token=pages.next_page_token)
    assert [post.post_id for post in resumed.posts()] == [2, 3, 4]
    assert list(resumed) == []


def test_a_token_that_dies_is_an_error_after_which_the_same_page_can_be_asked_for() -> None:
    feed = Feed(5, dying={2})
    pages = Pages(feed.ask)
    next(pages)
    with pytest.raises(PageTokenError):
        next(pages)
    assert [post.post_id for post in next(pages).posts] == [2, 3]
    assert feed.calls == ["", "2", "2"]


def test_pages_that_restart_say_so_and_give_no_post_twice() -> None:
    pages = Pages(Feed(7, dying={3}).ask, restart=True)
    assert [[post.post_id for post in page.posts] for page in pages] == [[0, 1], [2, 3], [4, 5], [6]]
    assert pages.restarts == 1


def test_pages_do_not_restart_for_ever() -> None:
    pages = Pages(Feed(7, dying=set(range(2, 100))).ask, restart=True)
    with pytest.raises(PageTokenError):
        list(pages)
    assert pages.restarts == 3


def test_pages_of_an_event_loop_do_the_same() -> None:
    async def read() -> tuple[list[int], int]:
        pages = AsyncPages(Feed(7, dying={3}).ask_async, restart=True)
        return [post.post_id async for post in pages.posts()], pages.restarts

    assert asyncio.run(read()) == ([0, 1, 2, 3, 4, 5, 6], 1)


def test_an_error_of_a_later_release_has_the_class_of_its_status_and_survives_pickling() -> None:
    error = error_of("UNAVAILABLE", "OF_LATER", "not now", metadata={"a": "b"}, retry_after_seconds=2)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnavailableError
    assert (again.reason, again.metadata, again.retry_after_seconds) == ("OF_LATER", {"a": "b"}, 2)
    assert str(again) == "OF_LATER: not now"


def test_half_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        Tls(certificate="certificate.pem")
