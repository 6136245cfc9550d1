"""The pages of a feed as iterators that can be resumed, and that say so when they had to start again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, Protocol, Self, TypeVar

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from moodfeed_client.contract.feed_pb2 import FeedPost
from moodfeed_client.errors import PageTokenError

_MOST_RESTARTS = 3


class Page(Protocol):
    """A response that is a page."""

    @property
    def posts(self) -> RepeatedCompositeFieldContainer[FeedPost]:
        """Best first."""

    @property
    def next_page_token(self) -> str:
        """Empty on the last page."""


PageT = TypeVar("PageT", bound=Page)


class _Place:
    """How far pages have been read."""

    def __init__(self, page_token: str, *, restart: bool) -> None:
        self.next_page_token = page_token
        """The token of the next page: give it as ``page_token`` to resume here, also in another process."""
        self.restarts = 0
        """How often the token had died and the pages began again."""
        self._may_restart = restart
        self._given: set[int] = set()
        self._is_done = False

    def _begin_again(self, error: PageTokenError) -> None:
        """Go back to the first page; raises the error if that is not wanted, or does not help."""
        if not self._may_restart or not self.next_page_token or self.restarts >= _MOST_RESTARTS:
            raise error
        self.restarts += 1
        self.next_page_token = ""

    def _accept(self, page: PageT) -> bool:
        """Take note of a page, without the posts that were given before; False if none of it is left to give."""
        again = [index for index, post in enumerate(page.posts) if post.post_id in self._given]
        for index in reversed(again):
            del page.posts[index]
        self._given.update(post.post_id for post in page.posts)
        self.next_page_token = page.next_page_token
        self._is_done = not page.next_page_token
        return bool(page.posts) or not again


class Pages(_Place, Iterator[PageT], Generic[PageT]):
    """The pages of a feed, asked for one by one as they are needed.

    A page token lives for 15 minutes, and dies earlier if its bundle goes. With ``restart`` the pages then begin again:
    ``restarts`` says so, and the posts that were given before are left out. Otherwise PageTokenError is raised.
    """

    def __init__(self, ask: Callable[[str], PageT], *, page_token: str = "", restart: bool = False) -> None:
        super().__init__(page_token, restart=restart)
        self._ask = ask

    def __next__(self) -> PageT:
        """The next page; raises MoodfeedError, after which the same page can be asked for again."""
        while not self._is_done:
            try:
                page = self._ask(self.next_page_token)
            except PageTokenError as error:
                self._begin_again(error)
                continue
            if self._accept(page):
                return page
        raise StopIteration

    def posts(self) -> Iterator[FeedPost]:
        """The posts of all pages from here on."""
        for page in self:
            yield from page.posts


class AsyncPages(_Place, AsyncIterator[PageT], Generic[PageT]):
    """The same for an event loop."""

    def __init__(self, ask: Callable[[str], Awaitable[PageT]], *, page_token: str = "", restart: bool = False) -> None:
        super().__init__(page_token, restart=restart)
        self._ask = ask

    def __aiter__(self) -> Self:
        """The pages from here on."""
        return self

    async def __anext__(self) -> PageT:
        """The next page; raises MoodfeedError, after which the same page can be asked for again."""
        while not self._is_done:
            try:
                page = await self._ask(self.next_page_token)
            except PageTokenError as error:
                self._begin_again(error)
                continue
            if self._accept(page):
                return page
        raise StopAsyncIteration

    async def posts(self) -> AsyncIterator[FeedPost]:
        """The posts of all pages from here on."""
        async for page in self:
            for post in page.posts:
                yield post
