"""Several feeds in one answer: side by side or, if no post may be in two of them, one after another."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from gateway.feed_types import Feed, FeedError, FeedRequest, InvalidPageTokenError

MOST_FEEDS = 64

Ask = Callable[[FeedRequest], Awaitable[Feed]]
Asked = FeedRequest | Exception
"""What is asked for, or why that cannot be read."""

Together = Callable[[Sequence[Awaitable["Feed | Exception"]]], Awaitable[Sequence["Feed | Exception"]]]
"""Waits for all of them, and gives what they give in their order."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no feed: the number of a gRPC status, the reason, and what is wrong."""

    code: int
    reason: str
    message: str


class FeedCountError(FeedError):
    """The request does not hold 1 to MOST_FEEDS feeds."""


class LaterPageError(InvalidPageTokenError):
    """Of distinct feeds a later page is asked for."""

    def __init__(self) -> None:
        super().__init__("page_token: must be empty with distinct; ask for later pages with GetFeed")


def check_feed_count(count: int) -> None:
    """FeedCountError unless so many feeds can be asked for at once."""
    if not 1 <= count <= MOST_FEEDS:
        raise FeedCountError(f"{count} feeds are requested, 1 to {MOST_FEEDS} are allowed")


async def get_feeds(
    requests: Sequence[Asked],
    *,
    distinct: bool,
    ask: Ask,
    together: Together,
    post_ids_of: Callable[[Feed], Sequence[int]],
) -> Sequence[Feed | Exception]:
    """What each request gets, in their order: a feed, or the error that it alone meets. FeedCountError.

    Distinct feeds are made one after another: each is what its request gets if it excludes the posts of those before.
    """
    check_feed_count(len(requests))
    if not distinct:
        return await together([_one(request, ask) for request in requests])
    shown: list[int] = []
    answers: list[Feed | Exception] = []
    for request in requests:
        answer = await _one(_without(request, shown), ask)
        if isinstance(answer, Feed):
            shown += post_ids_of(answer)
        answers.append(answer)
    return answers


def _without(request: Asked, shown: Sequence[int]) -> Asked:
    if isinstance(request, Exception):
        return request
    return LaterPageError() if request.page_token else replace(request, shown_post_ids=tuple(shown))


async def _one(request: Asked, ask: Ask) -> Feed | Exception:
    if isinstance(request, Exception):
        return request
    try:
        return await ask(request)
    except Exception as error:  # noqa: BLE001 - it is this feed's alone, whatever it is
        return error
