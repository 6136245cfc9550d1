"""Whatever is upserted, deleted, ruled, met and asked, the shards together answer what one index answers: the same
posts in the same order, with the same scores, numbers, reasons and explanations, page by page to the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from bundle.embedding_space import Embedding
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from compute.embedding_messages import write_embedding
from compute.log_tail import LogTail
from gateway.feed_types import FeedContext, FeedError, Filters, FoundPosts, RecentHistory, Search, SimilarTo
from gateway.sharded_search import ShardedPostSearch
from moodfeed.embedding.v1 import embedding_pb2
from post_index_service.index import BY_TOWER_ALONE, PostIndex
from store.sql_store import open_store
from tests.post_index_service.blended_world import BLEND
from tests.post_index_service.live_world import MOODS, NOON, USER_WEIGHT, USERS, Asked, index_posts_of
from tests.post_index_service.test_live_state_machine import (
    ASKED,
    IDS,
    POPULARITY,
    SOME_IDS,
    LiveBesideBruteForce,
)
from tests.shards.in_process import Held, Process, as_messages, found_in
from tests.store.test_state_machine import empty_all_tables

Sought = Search[embedding_pb2.Embedding]


@dataclass(frozen=True)
class More:
    """What a search may ask beyond the words of the world."""

    recent: tuple[int, ...] = ()
    similar_to: int | None = None
    explain: bool = False
    withheld: tuple[int, ...] = ()
    skipped_pages: int = 0
    diversity: float = 0.0
    most_per_owner: int = 0
    exploration_share: float = 0.0
    exploration_seed: int = 0


MORE = st.builds(
    More,
    recent=SOME_IDS,
    similar_to=st.one_of(st.none(), st.none(), st.none(), IDS),
    explain=st.booleans(),
    withheld=SOME_IDS,
    skipped_pages=st.integers(0, 3),
    diversity=st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0]),
    most_per_owner=st.sampled_from([0, 0, 0, 1, 2]),
    exploration_share=st.sampled_from([0.0, 0.5, 1.0]),
    exploration_seed=st.integers(0, 5),
)


@dataclass
class Feed:
    """A feed that is read page by page."""

    search: Sought
    bundle: int


class ShardsBesideOneIndex(LiveBesideBruteForce):
    shards = 2
    blend = BY_TOWER_ALONE
    is_cut_short = False  # whether a page is described by a second call

    def _start(self) -> None:
        self.tail = LogTail(lambda: self.store)
        self.tail._store, self.tail.is_stopped = self.store, False  # the test itself follows the log
        posts = index_posts_of(self.model.of_bundle, POPULARITY)
        count = len(posts.posts)
        random = np.random.default_rng(self.bundle)
        trends = PostTrends.none(count)
        if self.blend is not BY_TOWER_ALONE:
            lasting = random.integers(0, 3, count).astype(np.float32)
            trends = PostTrends(np.round(random.random(count) * 2), NOON, lasting=lasting)

        def index(shards: int, shard: int, options: Mapping[str, int]) -> PostIndex:
            return PostIndex(
                posts,
                bundle_id=f"{self.bundle:064}",
                user_weight=USER_WEIGHT,
                trends=trends,
                steps=PostSteps.none(count),
                blend=self.blend,
                log=self.tail,
                log_position=self.model.base,
                now_ms=lambda: self.now_ms,
                explores=True,
                shards=shards,
                shard=shard,
                **options,
            )

        self.index = index(1, 0, {})
        self.whole = Process(Held(self.index))
        self.parts = [Process(Held(index(self.shards, shard, self.options))) for shard in range(self.shards)]
        self.sharded = ShardedPostSearch(self.parts, now_ms=lambda: self.now_ms)
        self.feeds: list[Feed] = []

    def _search(self, asked: Asked) -> None:
        self._first_page(asked, More())

    @rule(asked=ASKED, more=MORE)
    def search_more(self, asked: Asked, more: More) -> None:
        self._first_page(asked, more)

    def _first_page(self, asked: Asked, more: More) -> None:
        self._read()
        search = self._sought(asked, more)
        found = self._compare(search)
        if found is not None and found.has_more:
            self.feeds = [*self.feeds[-5:], self._next(search, found)]

    def _compare(self, search: Sought) -> FoundPosts | None:
        """Ask both, and give what they found; None if they refuse the search alike."""
        try:
            found = found_in(self.sharded, search)
        except FeedError as refused:
            with pytest.raises(type(refused)):
                self.whole.search(search)
            return None
        counted = found.counted_position or None
        expected = self.whole.search(
            replace(
                search,
                counted_position=counted if search.counted_position is None else search.counted_position,
                rules_moment_ms=found.rules_moment_ms,
            )
        )
        assert as_messages(found) == as_messages(expected)
        assert found.has_more == expected.has_more
        assert found.posts_position == expected.posts_position
        assert found.counted_position == expected.counted_position
        assert found.degradations == ()
        return found

    def _next(self, search: Sought, found: FoundPosts) -> Feed:
        return Feed(
            replace(
                search,
                offset=search.offset + search.limit,
                counted_position=found.counted_position or None,
                posts_position=found.posts_position,
                rules_moment_ms=found.rules_moment_ms,
            ),
            self.bundle,
        )

    def _sought(self, asked: Asked, more: More) -> Sought:
        def message(kind: Any, vector: Any) -> embedding_pb2.Embedding:
            return write_embedding(Embedding(kind, vector))

        filters = asked.filters
        return Search(
            FeedContext(
                user=None if asked.user is None else message(self.index.tower_space, USERS[asked.user]),
                mood=None if asked.mood is None else message(self.index.text_space, MOODS[asked.mood]),
                seen_post_ids=asked.seen,
                not_interested_post_ids=asked.unwanted,
                withheld_post_ids=more.withheld,
                bundle_id=self.index.bundle_id,
                recent=RecentHistory(more.recent, len(more.recent), NOON) if asked.user is not None else None,
            ),
            asked.category_id,
            asked.exclude,
            asked.limit * more.skipped_pages,
            asked.limit,
            exclude_external_ids=asked.called,
            trending=asked.trending,
            filters=Filters(
                category_ids=filters.category_ids,
                excluded_category_ids=filters.excluded_category_ids,
                excluded_owner_usernames=filters.excluded_owner_usernames,
                created_after_ms=filters.created_after_ms,
                languages=filters.languages,
            ),
            explain=more.explain,
            similar_to=None if more.similar_to is None else SimilarTo(more.similar_to),
            diversity=more.diversity,
            most_per_owner=more.most_per_owner,
            exploration_share=more.exploration_share,
            exploration_seed=more.exploration_seed,
        )

    @precondition(lambda self: self.feeds)
    @rule()
    def pages(self) -> None:
        self._read()
        feeds, self.feeds = self.feeds, []
        for feed in feeds:
            found = self._compare(feed.search) if feed.bundle == self.bundle else None
            if found is not None and found.has_more:
                self.feeds.append(self._next(feed.search, found))

    @precondition(lambda self: self.feeds)
    @rule()
    def to_the_end(self) -> None:
        while self.feeds:
            self.pages()

    def deleted_posts_are_never_shown(self) -> None: ...


WORLDS: Mapping[str, dict[str, Any]] = {
    "two": {},
    "three": {"shards": 3},
    "more than categories": {"shards": 5},
    "one": {"shards": 1},
    "coded": {"options": {"most_dense": 0}, "shards": 2},
    "blended": {"blend": BLEND, "shards": 2},
    "blended and coded": {"blend": BLEND, "options": {"most_dense": 0}, "shards": 3},
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("is_described_apart", [False, True], ids=["in one call", "in two calls"])
def test_shards_answer_what_one_index_answers(
    tmp_path: object, world: str, is_described_apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_described_apart:
        monkeypatch.setattr("gateway.sharded_search._ALL_DESCRIBED", 2)
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with open_store(url) as opened:

        class Machine(ShardsBesideOneIndex):
            store = opened

            def __init__(self) -> None:
                empty_all_tables(url)
                super().__init__()

        for name, value in WORLDS[world].items():
            setattr(Machine, name, value)
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Machine,
            settings=settings(
                max_examples=6,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],  # a machine with a store takes minutes to shrink
            ),
        )
