"""Posts and rules in one process: they go into the store of this process, and its index reads them from there."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from embedded.people import in_a_thread
from gateway import feedback_types
from gateway.catalog_messages import read_kept, read_results, write_post
from gateway.catalog_types import KeptPost, Post, PostNames, PostResult, Upserted, UpsertResult
from gateway.feed_types import DeadlineExceededError
from gateway.rule_messages import read_rule, write_rule
from gateway.rules_types import Rule, RuleNotFoundError
from post_index_service import catalog_messages, post_store
from post_index_service.post_store import PostStore
from rpc import wall_clock
from store.errors import InvalidPostError, StoreUnavailableError
from store.posts import NewPost

_Answer = TypeVar("_Answer")


class LocalPosts:
    """A PostKeeper whose coroutines never wait: the calling thread asks the store, and blocks until it has answered."""

    def __init__(self, posts: PostStore) -> None:
        self._posts = posts

    async def upsert_posts(self, posts: Sequence[Post], *, seconds: float) -> Upserted:
        """Store posts; once begun, it is finished. DeadlineExceededError if no time is left to begin."""
        _check_time(seconds)
        return self.upsert_now(posts)

    async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
        """Delete posts; gives the position."""
        _check_time(seconds)
        return self.delete_now(names)

    async def get_posts(self, names: PostNames, *, seconds: float) -> Sequence[KeptPost]:
        """The posts that are known."""
        _check_time(seconds)
        return self.get_now(names)

    def upsert_now(self, posts: Sequence[Post]) -> Upserted:
        """Store posts."""
        rows = [_row(post) for post in posts]
        sound = [row for row in rows if isinstance(row, NewPost)]
        stored = _or_feed_error(lambda: self._posts.upsert(sound)) if sound else post_store.Upserted(0, ())
        of_sound = iter(read_results(catalog_messages.write_upserted(stored).results))
        return Upserted(stored.position, [row if isinstance(row, PostResult) else next(of_sound) for row in rows])

    def delete_now(self, names: PostNames) -> int:
        """Delete posts; gives the position."""
        return _or_feed_error(lambda: self._posts.delete(names.post_ids, names.external_ids))

    def get_now(self, names: PostNames) -> Sequence[KeptPost]:
        """The posts that are known."""
        found = _or_feed_error(lambda: self._posts.get(names.post_ids, names.external_ids))
        return [read_kept(catalog_messages.write_kept(kept)) for kept in found]


class LocalRules:
    """A RuleKeeper whose coroutines never wait, as above."""

    def __init__(self, posts: PostStore) -> None:
        self._posts = posts

    async def set_rule(self, rule: Rule, *, seconds: float) -> int:
        """Keep a rule; gives the position."""
        _check_time(seconds)
        return self.set_now(rule)

    async def delete_rule(self, name: str, *, seconds: float) -> int:
        """Delete a rule; gives the position."""
        _check_time(seconds)
        return self.delete_now(name)

    async def list_rules(self, *, seconds: float) -> Sequence[Rule]:
        """All rules."""
        _check_time(seconds)
        return self.list_now()

    def set_now(self, rule: Rule) -> int:
        """Keep a rule; gives the position."""
        return _or_feed_error(lambda: self._posts.set_rule(catalog_messages.read_rule(write_rule(rule))))

    def delete_now(self, name: str) -> int:
        """Delete a rule; gives the position."""
        return _or_feed_error(lambda: self._posts.delete_rule(name))

    def list_now(self) -> Sequence[Rule]:
        """All rules."""
        rules = _or_feed_error(self._posts.rules)
        return [read_rule(catalog_messages.write_rule(rule)) for rule in rules]


class ThreadedPosts:
    """A PostKeeper for an event loop: a thread asks the store. Once begun, a change is finished."""

    def __init__(self, posts: LocalPosts) -> None:
        self._posts = posts

    async def upsert_posts(self, posts: Sequence[Post], *, seconds: float) -> Upserted:
        """Store posts."""
        return await in_a_thread(lambda: self._posts.upsert_now(posts), seconds=seconds)

    async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
        """Delete posts; gives the position."""
        return await in_a_thread(lambda: self._posts.delete_now(names), seconds=seconds)

    async def get_posts(self, names: PostNames, *, seconds: float) -> Sequence[KeptPost]:
        """The posts that are known."""
        return await in_a_thread(lambda: self._posts.get_now(names), seconds=seconds)


class ThreadedRules:
    """A RuleKeeper for an event loop, as above."""

    def __init__(self, rules: LocalRules) -> None:
        self._rules = rules

    async def set_rule(self, rule: Rule, *, seconds: float) -> int:
        """Keep a rule; gives the position."""
        return await in_a_thread(lambda: self._rules.set_now(rule), seconds=seconds)

    async def delete_rule(self, name: str, *, seconds: float) -> int:
        """Delete a rule; gives the position."""
        return await in_a_thread(lambda: self._rules.delete_now(name), seconds=seconds)

    async def list_rules(self, *, seconds: float) -> Sequence[Rule]:
        """All rules."""
        return await in_a_thread(self._rules.list_now, seconds=seconds)


def _or_feed_error(call: Callable[[], _Answer]) -> _Answer:
    """What a call of the store answers; its errors are those of the gateway."""
    try:
        return call()
    except post_store.NoStoreError as error:
        raise feedback_types.NoStoreError("nothing can be changed: set MOODFEED_STORE_URL") from error
    except post_store.RuleNotFoundError as error:
        raise RuleNotFoundError from error
    except StoreUnavailableError as error:
        raise feedback_types.StoreUnavailableError("the store is unavailable: try again later") from error


def _row(post: Post) -> NewPost | PostResult:
    try:
        return catalog_messages.read_post(write_post(post), now_ms=wall_clock.now_ms)
    except InvalidPostError as error:
        return PostResult(UpsertResult.REJECTED, str(error))


def _check_time(seconds: float) -> None:
    if seconds <= 0:
        raise DeadlineExceededError("the deadline of the request passed")
