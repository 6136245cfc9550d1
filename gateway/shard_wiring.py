"""What the shards of an index say of themselves: which ones they are, what they hold, how a bundle is divided."""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from gateway.clients import POST_INDEX
from gateway.feed_types import (
    BundleNotHeldError,
    DependencyTooOldError,
    DependencyUnavailableError,
    FeedCategory,
    FeedError,
    PositionNotReachedError,
    WrongShardError,
)
from gateway.shard_names import name_of_shard
from moodfeed.post_index.v1 import post_index_pb2

_log = structlog.get_logger("gateway.shard_wiring")
_WATCH_SECONDS = 1.0
_VARIABLE = "MOODFEED_GATEWAY_POST_INDEX_ADDRESS"
_NOT_LOST = (DependencyTooOldError, PositionNotReachedError, WrongShardError)


class Shard(Protocol):
    """One shard of the index behind its replicas; every method raises the errors of a feed."""

    async def rank_posts(
        self, request: post_index_pb2.RankPostsRequest, *, seconds: float
    ) -> post_index_pb2.RankPostsResponse:
        """Rank the posts of the shard."""

    async def reorder_posts(
        self, request: post_index_pb2.ReorderPostsRequest, *, seconds: float
    ) -> post_index_pb2.ReorderPostsResponse:
        """Reorder the merged ranking of all shards."""

    async def get_shard(
        self, request: post_index_pb2.GetShardRequest, *, seconds: float
    ) -> post_index_pb2.GetShardResponse:
        """Which shard it is."""

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List the categories of all shards."""


def is_lost(error: BaseException) -> bool:
    """Whether an error says that a shard does not answer, so that others may do without it."""
    return isinstance(error, DependencyUnavailableError) and not isinstance(error, _NOT_LOST)


class ShardWiring:
    """Knows the shards that the settings name, in their order; for one event loop."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = tuple(shards)
        self.current_bundle_id = ""
        """A bundle that all shards hold, and that some have as current; empty before any has been asked.

        While there is none, one that some hold: another shard was started anew in the middle of a swap.
        """
        self._held: dict[int, frozenset[str]] = {}  # the bundles of each shard that answered last
        self._divisions: dict[str, tuple[int, ...]] = {}  # of the bundles that shards hold now
        self.fault = ""
        """What is wrong with the list of the shards; empty while nothing is known to be."""
        self.was_right = False
        """Whether the shards were those of the list at any time since the start."""
        self.on_change: Callable[[], Awaitable[None]] | None = None
        """Called whenever ``fault`` or ``was_right`` changes."""
        self._asked = asyncio.Event()

    def name(self, number: int) -> str:
        """The name of one of the shards."""
        return name_of_shard(number, len(self.shards))

    def lacking(self, bundle_id: str) -> Sequence[int]:
        """The shards that do not hold a bundle while no bundle is held by all; none if there is such a bundle.

        Nor are there any if no shard holds it.
        """
        without = [number for number, held in self._held.items() if bundle_id not in held]
        is_any_common = frozenset.intersection(*self._held.values()) if self._held else frozenset()
        return [] if is_any_common or len(without) == len(self._held) else without

    async def shards_of(self, category_ids: Sequence[int], bundle_id: str, *, seconds: float) -> Sequence[int]:
        """The shards that hold these categories of a bundle, ascending; raises what ``learn`` does."""
        division = self._divisions.get(bundle_id)
        if division is None:
            await self.learn(bundle_id, seconds=seconds)
            division = self._divisions[bundle_id]
        return sorted({bisect_right(division, category_id) for category_id in category_ids})

    async def watch(self) -> None:
        """Keep looking which bundle is current, and whether the shards are those that the settings name.

        An index that is not divided is asked only when it is new, or ``look`` is called.
        """
        while True:
            self._asked.clear()
            is_answered = True
            try:
                await self.learn(seconds=_WATCH_SECONDS)
                await self._note("", was_right=True)
            except WrongShardError as error:
                await self._note(str(error), was_right=self.was_right)
            except DependencyTooOldError as error:
                if len(self.shards) > 1:  # an index that is not divided may be older than shards
                    await self._note(str(error), was_right=self.was_right)
            except FeedError:
                is_answered = False
            if is_answered and len(self.shards) == 1:
                await self._asked.wait()
            else:
                await asyncio.sleep(_WATCH_SECONDS)

    def look(self) -> None:
        """Ask an index that is not divided again: another process may stand behind its address."""
        self._asked.set()

    async def _note(self, fault: str, *, was_right: bool) -> None:
        if (fault, was_right) == (self.fault, self.was_right):
            return
        if fault and fault != self.fault:
            _log.error("wrong shards", reason=fault)
        self.fault, self.was_right = fault, was_right
        if self.on_change:
            await self.on_change()

    async def learn(self, bundle_id: str = "", *, seconds: float) -> None:
        """Ask all shards which one they are, which bundles they hold, and how a bundle is divided.

        Raises WrongShardError, BundleNotHeldError if none that answers holds the bundle, and DependencyUnavailableError
        if none answers.
        """
        request = post_index_pb2.GetShardRequest(bundle_id=bundle_id)
        found = await asyncio.gather(
            *(shard.get_shard(request, seconds=seconds) for shard in self.shards), return_exceptions=True
        )
        held: dict[int, tuple[str, str]] = {}
        failure: BaseException | None = None
        for number, answer in enumerate(found):
            if isinstance(answer, BaseException):
                if not (is_lost(answer) or isinstance(answer, BundleNotHeldError)):
                    raise self._of_shard(number, answer)
                failure = answer if failure is None or isinstance(answer, BundleNotHeldError) else failure
                continue
            self._check(number, answer)
            held[number] = answer.current_bundle_id, answer.previous_bundle_id
        if not held:
            raise failure or DependencyUnavailableError(f"{POST_INDEX} is unavailable", service=POST_INDEX)
        if not bundle_id:
            self._take(held)

    def _of_shard(self, number: int, error: BaseException) -> BaseException:
        """The error of a shard that is older than the gateway, or another service, with the shard's name."""
        if isinstance(error, DependencyTooOldError) and len(self.shards) > 1:
            return DependencyTooOldError(f"{self.name(number)} in {_VARIABLE}: {error}", **error.metadata)
        return error

    def _take(self, held: Mapping[int, tuple[str, str]]) -> None:
        """Choose the current bundle by what shards hold, each its current one and the one before."""
        self._held = {number: frozenset(pair) - {""} for number, pair in held.items()}
        in_common = frozenset.intersection(*self._held.values())
        currents = [current for current, _ in held.values() if current in in_common]
        known = frozenset[str]().union(*self._held.values())
        if currents and (self.current_bundle_id not in in_common or len(set(currents)) == 1):
            self.current_bundle_id = currents[0]
        elif not in_common and self.current_bundle_id not in known:
            self.current_bundle_id = Counter(current for current, _ in held.values()).most_common(1)[0][0]
        kept = {self.current_bundle_id, *known}
        self._divisions = {bundle: known for bundle, known in self._divisions.items() if bundle in kept}

    def _check(self, number: int, answer: post_index_pb2.GetShardResponse) -> None:
        """WrongShardError if a shard is not the one that the settings name, or divides a bundle otherwise."""
        found, expected = name_of_shard(answer.shard, answer.shards), self.name(number)
        if len(self.shards) == 1 and answer.shards > 1:
            message = f"{POST_INDEX}: a process holds {found} alone: name all shards in {_VARIABLE}"
            raise WrongShardError(message, service=POST_INDEX)
        if found != expected:
            message = (
                f"{POST_INDEX}: {expected} in {_VARIABLE} says that it is {found}: correct the list, or "
                "MOODFEED_POST_INDEX_SHARD and MOODFEED_POST_INDEX_SHARDS of that process"
            )
            raise WrongShardError(message, service=POST_INDEX)
        division = tuple(answer.first_category_ids)
        if self._divisions.setdefault(answer.bundle_id, division) != division:
            raise WrongShardError(f"{POST_INDEX}: {expected} divides the bundle otherwise", service=POST_INDEX)
