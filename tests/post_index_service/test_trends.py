"""Epochs: what pages are made of, at which position, for how long, and by which replica."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bundle.embedding_space import Embedding
from bundle.index_posts import IndexPosts
from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.rankings import Ranking
from post_index_service.search_results import SearchResult
from post_index_service.trends import EPOCH_SECONDS, CountsNotHeldError, PositionNotReachedError
from store.errors import StoreUnavailableError
from store.interactions import NewInteraction, Verb
from store.port import Store
from store.sql_store import open_store

NOON = 1_600_000_000_000
_numbers = itertools.count()


def views(*post_ids: int, moment: int = NOON, username: str = "") -> list[NewInteraction]:
    """Each of another person, unless one is named."""
    return [
        NewInteraction(
            event_id=f"e{(number := next(_numbers))}",
            username=username or f"visitor {number}",
            occurred_at_ms=moment,
            verb=Verb.VIEW,
            post_id=post_id,
        )
        for post_id in post_ids
    ]


def taking_back(row: NewInteraction) -> NewInteraction:
    return NewInteraction(
        event_id=f"not {row.event_id}", username=row.username, occurred_at_ms=NOON, retracts=row.event_id
    )


def index_of(posts: IndexPosts, log: LogTail | None = None, *, log_position: int = 0, seed: int = 3) -> PostIndex:
    random = np.random.default_rng(seed)
    sums = np.round(random.exponential(2.0, len(posts.posts)), 1) * (random.random(len(posts.posts)) < 0.5)
    trends = PostTrends(sums, NOON)
    return PostIndex(posts, bundle_id="b" * 64, user_weight=0.5, trends=trends, log=log, log_position=log_position)


@contextmanager
def followed(url: str) -> Iterator[LogTail]:
    log = LogTail(lambda: open_store(url))
    with log.followed():
        yield log


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def trending(index: PostIndex, **fields: object) -> SearchResult:
    return index.search(Query(trending=True, limit=100, seconds=30, **fields))


def ids(result: SearchResult) -> list[int]:
    return [ranked.post.post_id for ranked in result.posts]


def test_posts_without_a_trend_follow_by_popularity_and_the_numbers_never_rise(index_posts: IndexPosts) -> None:
    index = index_of(index_posts)
    for category_id in (None, 2, 7):
        found = trending(index, category_id=category_id)
        assert (found.ranking, found.counted_position) == (Ranking.TRENDING, 0)
        assert list(found.ranking_scores) == sorted(found.ranking_scores, reverse=True)
        trends = index.trends.epoch().trends(np.array(found.rows))
        popularity = index_posts.popularity[list(found.rows)]
        expected = sorted(zip(-trends, -popularity, ids(found), strict=True))
        assert [post_id for *_, post_id in expected] == ids(found)
        assert 0 < (trends > 0).sum() < len(trends)
        np.testing.assert_allclose(found.scores, trends, rtol=1e-6)


def test_seen_and_excluded_posts_are_where_they_are_in_other_rankings(index_posts: IndexPosts) -> None:
    index = index_of(index_posts)
    everything = ids(trending(index))
    seen, excluded = everything[:3], everything[3:5]
    found = trending(index, seen_post_ids=seen, exclude_post_ids=excluded)
    assert ids(found) == [*everything[5:], *seen]
    assert list(found.ranking_scores) == sorted(found.ranking_scores, reverse=True)


def test_an_embedding_goes_before_the_trend(index_posts: IndexPosts) -> None:
    index = index_of(index_posts)
    user = Embedding(index.tower_space, index_posts.tower_embeddings[0])
    assert index.search(Query(user=user, trending=True)).ranking is Ranking.USER


@pytest.mark.parametrize("smallest", [0, 10_000])
def test_a_remembered_head_ranks_as_the_whole_does(
    index_posts: IndexPosts, monkeypatch: pytest.MonkeyPatch, smallest: int
) -> None:
    monkeypatch.setattr("post_index_service.popular_orders._REMEMBERED_HEAD", 7)
    monkeypatch.setattr("post_index_service.popular_orders._SMALLEST_REMEMBERED", smallest)
    index = index_of(index_posts)
    everything = ids(trending(index))
    for skipped in (0, 3, 20):
        for offset, limit in ((0, 3), (3, 10), (40, 30)):
            query = Query(trending=True, exclude_post_ids=everything[:skipped], offset=offset, limit=limit)
            assert ids(index.search(query)) == everything[skipped:][offset : offset + limit]


def test_what_is_recorded_is_counted_when_its_position_is_asked_for(
    index_posts: IndexPosts, url: str, store: Store
) -> None:
    with followed(url) as log:
        index = index_of(index_posts, log)
        last = ids(trending(index))[-1]
        for _ in range(3):
            position = store.record(views(*[last] * 20)).position
            found = trending(index, at_least_position=position)
            assert (ids(found)[0], found.counted_position) == (last, position)
        with pytest.raises(PositionNotReachedError, match=f"counted up to {position}"):
            trending(index, at_least_position=position + 1)


def test_first_pages_share_an_epoch_for_a_minute(index_posts: IndexPosts, url: str, store: Store) -> None:
    clock = [1000.0]
    with followed(url) as log:
        index = index_of(index_posts, log)
        index.trends._now = lambda: clock[0]
        first = store.record(views(1)).position
        log.reach(index.trends, first, seconds=30)
        assert trending(index).counted_position == first
        second = store.record(views(1)).position
        log.reach(index.trends, second, seconds=30)
        assert trending(index).counted_position == first
        clock[0] += EPOCH_SECONDS
        assert trending(index).counted_position == second


def test_pages_are_exact_while_events_stream_in_and_replicas_agree(
    index_posts: IndexPosts, url: str, store: Store
) -> None:
    post_ids = index_posts.post_ids.tolist()
    with followed(url) as log, followed(url) as other_log:
        replicas = [index_of(index_posts, log), index_of(index_posts, other_log)]
        stopped = threading.Event()

        def stream() -> None:
            random = np.random.default_rng(1)
            while not stopped.is_set():
                rows = views(*random.choice(post_ids, 5).tolist(), moment=NOON + int(random.integers(10**9)))
                store.record(rows)
                store.record([taking_back(rows[0])])

        streaming = threading.Thread(target=stream)
        streaming.start()
        try:
            for begins in (0, 1, 0, 1):
                least = store.position()
                first = replicas[begins].search(Query(trending=True, limit=7, at_least_position=least, seconds=30))
                assert first.counted_position >= least
                found = ids(first)
                for offset, replica in zip(range(7, len(post_ids), 7), itertools.cycle(replicas), strict=False):
                    page = replica.search(
                        Query(
                            trending=True,
                            limit=7,
                            offset=offset,
                            counted_position=first.counted_position,
                            seconds=30,
                        )
                    )
                    assert page.counted_position == first.counted_position
                    found += ids(page)
                assert sorted(found) == sorted(post_ids)
                orders = {
                    tuple(ids(trending(replica, counted_position=first.counted_position))) for replica in replicas
                }
                assert orders == {tuple(found)}
        finally:
            stopped.set()
            streaming.join()


def test_a_replica_that_starts_later_agrees_with_one_that_has_read_all_along(
    index_posts: IndexPosts, url: str, store: Store
) -> None:
    post_ids = index_posts.post_ids.tolist()
    with followed(url) as log:
        early = index_of(index_posts, log)
        rows = views(*post_ids[:30] * 3)
        middle = store.record(rows[:60]).position
        taken = [
            NewInteraction(
                event_id=f"not {row.event_id}", username=row.username, occurred_at_ms=NOON, retracts=row.event_id
            )
            for row in rows[:40]
        ]
        end = store.record([*rows[60:], *taken]).position
        assert log.reach(early.trends, end, seconds=30)
        with followed(url) as later_log:
            late = index_of(index_posts, later_log)
            later_log.read_up(late.trends)
            assert late.trends.position == end
            for position in (middle, end):
                assert ids(trending(early, counted_position=position)) == ids(trending(late, counted_position=position))


def test_a_bundle_counts_what_came_after_its_own_position(index_posts: IndexPosts, url: str, store: Store) -> None:
    last = ids(trending(index_of(index_posts)))[-1]
    of_bundle = store.record(views(*[last] * 50)).position
    with followed(url) as log:
        held = index_of(index_posts, log, log_position=of_bundle)
        log.read_up(held.trends)
        assert ids(trending(held))[-1] == last
        position = store.record(views(*[last] * 50)).position
        assert ids(trending(held, at_least_position=position))[0] == last
        assert dict(zip(ids(found := trending(held)), found.scores, strict=True))[last] == pytest.approx(50, rel=1e-6)


def test_while_the_store_is_down_trends_go_on_with_what_is_known(index_posts: IndexPosts, url: str) -> None:
    is_down = threading.Event()

    class Failing:
        def __init__(self, store: Store) -> None:
            self.store = store

        def __getattr__(self, name: str) -> object:
            if is_down.is_set() and name != "close":
                raise StoreUnavailableError("down")
            return getattr(self.store, name)

    with open_store(url) as store:
        log = LogTail(lambda: Failing(open_store(url)))  # type: ignore[arg-type,return-value]
        with log.followed():
            index = index_of(index_posts, log)
            last = ids(trending(index))[-1]
            known = store.record(views(*[last] * 20)).position
            assert trending(index, at_least_position=known).counted_position == known
            is_down.set()
            lost = store.record(views(*[last] * 20)).position
            with pytest.raises(PositionNotReachedError):
                trending(index, at_least_position=lost)
            assert (ids(trending(index))[0], trending(index).counted_position) == (last, known)
            is_down.clear()
            waiting = threading.Event()
            while not log.reach(index.trends, lost, seconds=30):
                waiting.wait(0.01)
            assert trending(index, at_least_position=lost).counted_position == lost


def test_a_store_that_cannot_be_opened_leaves_the_bundles_trends(index_posts: IndexPosts, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("a file where a directory must be", encoding="utf-8")
    with followed(f"sqlite:///{place}/store.sqlite") as log:
        index = index_of(index_posts, log)
        log.read_up(index.trends, seconds=3600)
        assert ids(trending(index)) == ids(trending(index_of(index_posts)))


def test_counts_that_are_not_held_any_more_are_refused(index_posts: IndexPosts) -> None:
    index = index_of(index_posts)
    assert trending(index, counted_position=0).counted_position == 0
    for position in (-1, 1, 2**62):
        with pytest.raises(CountsNotHeldError, match=f"position {position} are not held"):
            trending(index, counted_position=position)


def test_a_deleted_person_leaves_the_counts_as_if_they_had_not_been(
    index_posts: IndexPosts, url: str, store: Store
) -> None:
    with followed(url) as log:
        index = index_of(index_posts, log)
        last = ids(trending(index))[-1]
        position = store.record(views(last, username="ana")).position
        assert trending(index, at_least_position=position).scores[ids(trending(index)).index(last)] > 0
        deleted = store.delete_person("ana")
        waiting = threading.Event()
        assert log.reach(index.trends, deleted, seconds=30)
        while index.trends._recount is not None:
            waiting.wait(0.01)
        after = store.record(views(index_posts.post_ids[0].item())).position
        found = trending(index, at_least_position=after)
        assert found.scores[ids(found).index(last)] == 0


def test_an_index_that_is_let_go_reads_the_log_no_more(index_posts: IndexPosts, url: str, store: Store) -> None:
    with followed(url) as log:
        index = index_of(index_posts, log)
        kept = index_of(index_posts, log)
        del index
        assert log.reach(kept.trends, store.record(views(1)).position, seconds=30)
        assert list(log._readers_by_position().values()) == [[kept.live, kept.trends]]
