"""The blended order over the log: live posts, rules, next posts as of positions, pages while people go on."""

import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bundle.embedding_space import Embedding
from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from compute.recent_history import NO_HISTORY, RecentHistory
from post_index_service import blended_order
from post_index_service.index import PostIndex
from post_index_service.query import Query
from post_index_service.reasons import Reason
from post_index_service.search_results import SearchResult
from post_index_service.trends import CountsNotHeldError
from store.interactions import NewInteraction, Verb
from store.port import Store
from store.posts import NewPost, Post, PostEmbedding
from store.rules import Rule, RuleAction
from store.sql_store import open_store
from tests.post_index_service.blended_world import BLEND, LivePost, World, check_ranking
from tests.post_index_service.conftest import unit_rows
from tests.post_index_service.test_blended_order import COUNT, DIMENSION, LASTING, NOON, POSTS, STEPS, TRENDS, USERS

MINUTE = 60_000
IDS = POSTS.post_ids.tolist()
LIVE_TOWERS = unit_rows(np.random.default_rng(11), 8, DIMENSION)
_numbers = itertools.count()


def did(username: str, *post_ids: int, moment: int = NOON, verb: Verb = Verb.VIEW) -> list[NewInteraction]:
    return [
        NewInteraction(
            event_id=f"e{next(_numbers)}", username=username, occurred_at_ms=moment, verb=verb, post_id=post_id
        )
        for post_id in post_ids
    ]


def crowd(*post_ids: int) -> list[NewInteraction]:
    """Each met by another person."""
    return [row for post_id in post_ids for row in did(f"visitor {next(_numbers)}", post_id)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        yield opened


@contextmanager
def followed(tmp_path: Path, **fields: object) -> Iterator[PostIndex]:
    log = LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"))
    usual = {"trends": PostTrends(TRENDS, NOON, lasting=LASTING), "steps": STEPS, "blend": BLEND}
    with log.followed():
        index = PostIndex(POSTS, **({"bundle_id": "b" * 64, "user_weight": 0.5, "log": log} | usual | fields))
        log.read_up(index.trends)
        log.read_up(index.live)
        yield index


def counts_all(index: PostIndex, position: int) -> None:
    """Have the next first page count everything up to a position."""
    index.trends.epoch(at_least=position, seconds=30)
    index.live.as_of(None, at_least=position, seconds=30)


def page(index: PostIndex, recent: RecentHistory = NO_HISTORY, *, user: int = 0, **fields: object) -> SearchResult:
    embedding = Embedding(index.tower_space, USERS[user])
    return index.search(Query(**({"user": embedding, "recent_history": recent, "limit": 100, "seconds": 30} | fields)))


def whole(index: PostIndex, recent: RecentHistory, **fields: object) -> list[tuple[int, float, float]]:
    found: list[tuple[int, float, float]] = []
    while True:
        part = page(index, recent, offset=len(found), **fields)
        found += [(each.post.post_id, each.score, each.ranking_score) for each in part.posts]
        if not part.has_more:
            return found


def add(store: Store, *posts: LivePost) -> int:
    last, _ = store.upsert_posts(
        [
            NewPost(
                post=Post(
                    post_id=post.post_id,
                    category_id=post.category_id,
                    video_link="",
                    created_at_ms=NOON,
                    language="",
                    category_name=f"category {post.category_id}",
                    title="",
                    owner_username="mia",
                    external_id="",
                    is_servable=True,
                )
            )
            for post in posts
        ]
    )
    first = last - len(posts) + 1
    return store.keep_embeddings(
        "b" * 64,
        [
            PostEmbedding(
                post_id=post.post_id,
                revision=first + place,
                tower=post.tower.astype("<f4").tobytes(),
                text=np.zeros(4, "<f2").tobytes(),
            )
            for place, post in enumerate(posts)
        ],
    )


def met(post_ids: Sequence[int], moments: Sequence[int]) -> np.ndarray:
    """The trends of the bundle's posts after people met some at these moments."""
    trends = TRENDS.copy()
    for post_id, moment in zip(post_ids, moments, strict=True):
        trends[IDS.index(post_id)] += math.exp((moment - NOON) / (7 * 86_400_000))
    return trends


@pytest.mark.parametrize("most_dense", [4096, 2])
def test_live_posts_and_living_counts_are_ranked_as_brute_force_does(
    tmp_path: Path, store: Store, most_dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blended_order, "_FIRST_HEAD", 16)
    monkeypatch.setattr(blended_order, "_DENSE_SHARE", 0.7)
    known, moved, elsewhere = IDS[20], IDS[300], IDS[40]
    new = [900_001, 900_002, 900_003]
    with followed(tmp_path, most_dense=most_dense) as index:
        position = add(
            store,
            LivePost(new[0], 1, LIVE_TOWERS[0]),
            LivePost(new[1], 77, LIVE_TOWERS[1]),  # a category that the bundle lacks
            LivePost(new[2], 5, LIVE_TOWERS[2]),
            LivePost(moved, 2, LIVE_TOWERS[3]),  # in another category than in the bundle
        )
        store.delete_posts([elsewhere])
        store.record(crowd(new[0], new[0], known))
        walks = [did("ana", known, moment=NOON - 9 * MINUTE), did("ana", new[1], moment=NOON - 2 * MINUTE)]
        walks += [did("bo", known, moment=NOON - 5 * MINUTE), did("bo", moved, moment=NOON)]
        walks += [did("cy", moved, moment=NOON - MINUTE), did("cy", new[2], moment=NOON)]
        for walk in walks:
            position = store.record(walk).position
        counts_all(index, position)
        minutes = {name: math.exp(-number * MINUTE / (7 * 86_400_000)) for name, number in (("1", 1), ("2", 2))}
        world = World(
            POSTS,
            BLEND,
            met(
                [known, known, known, moved, moved],
                [NOON, NOON - 9 * MINUTE, NOON - 5 * MINUTE, NOON, NOON - MINUTE],
            ),
            LASTING,
            STEPS,
            NOON,
            followed=[(known, new[1]), (known, moved), (moved, new[2])],
            live=[
                LivePost(new[0], 1, LIVE_TOWERS[0], 2.0),
                LivePost(new[1], 77, LIVE_TOWERS[1], minutes["2"]),
                LivePost(new[2], 5, LIVE_TOWERS[2], 1.0),
                LivePost(moved, 2, LIVE_TOWERS[3]),
            ],
            gone=frozenset([elsewhere]),
        )
        for recent in (
            NO_HISTORY,
            RecentHistory([IDS[30], new[1], known], 3, NOON),
            RecentHistory([IDS[30], moved], 50, NOON - 29 * MINUTE),
            RecentHistory([new[1], new[0]], 2, NOON),
            RecentHistory([IDS[500], known], 9, NOON - 31 * MINUTE),
        ):
            check_ranking(whole(index, recent), world.numbers(USERS[0], recent))


def test_pages_count_what_the_first_one_counted_on_every_replica_while_people_go_on(
    tmp_path: Path, store: Store
) -> None:
    with followed(tmp_path) as one, followed(tmp_path, most_dense=2) as other:
        stopped = threading.Event()

        def stream() -> None:
            random = np.random.default_rng(1)
            while not stopped.is_set():
                moment = NOON + int(random.integers(10 * MINUTE))
                store.record(did(f"p{random.integers(9)}", *random.choice(IDS[:40], 3).tolist(), moment=moment))

        streaming = threading.Thread(target=stream)
        streaming.start()
        try:
            for begins in (one, other, one):
                counts_all(begins, store.position())
                recent = RecentHistory(IDS[:12], 12, NOON)
                first = page(begins, recent, limit=50)
                found = list(zip(first.rows, first.ranking_scores, strict=True))
                for offset, replica in zip(range(50, COUNT, 50), itertools.cycle([one, other]), strict=False):
                    counts_all(replica, store.position())
                    later = page(replica, recent, limit=50, offset=offset, counted_position=first.counted_position)
                    assert later.counted_position == first.counted_position
                    found += zip(later.rows, later.ranking_scores, strict=True)
                assert sorted(row for row, _ in found) == list(range(COUNT))
                numbers = [number for _, number in found]
                assert numbers == sorted(numbers, reverse=True)
        finally:
            stopped.set()
            streaming.join()


def test_what_follows_a_post_counts_as_of_the_position_of_the_page(tmp_path: Path, store: Store) -> None:
    newest, follower = IDS[200], IDS[600]
    recent = RecentHistory([newest], 1, NOON)
    with followed(tmp_path) as index:
        before = page(index, recent, explain=True)
        position = 0
        for number in range(30):
            position = store.record(
                [*did(f"w{number}", newest, moment=NOON - MINUTE), *did(f"w{number}", follower, moment=NOON)]
            ).position
        counts_all(index, position)
        after = page(index, recent, explain=True)
        assert after.posts[0].post.post_id == follower
        assert (after.explanations[0].next_post or 0) > 0.2
        again = page(index, recent, explain=True, counted_position=before.counted_position)
        assert (again.rows, again.ranking_scores) == (before.rows, before.ranking_scores)
        assert again.explanations == before.explanations
        with pytest.raises(CountsNotHeldError):
            page(index, recent, counted_position=2**62, seconds=0)


def test_a_deleted_persons_steps_are_counted_no_more(tmp_path: Path, store: Store) -> None:
    newest, follower = IDS[200], IDS[600]
    with followed(tmp_path) as index:
        steps = [*did("ana", newest, moment=NOON - MINUTE), *did("ana", follower)]
        counts_all(index, store.record(steps).position)
        number = IDS.index(newest)
        assert index.trends.current().steps.followers(number, position=2**62).tolist() == [IDS.index(follower)]
        deleted = store.delete_person("ana")
        assert index.trends._log is not None
        assert index.trends._log.reach(index.trends, deleted, seconds=30)
        waiting = threading.Event()
        while index.trends._recount is not None:
            waiting.wait(0.01)
        counts_all(index, store.record(crowd(IDS[0])).position)
        assert index.trends.current().steps.followers(number, position=2**62).tolist() == []


def test_a_first_page_does_not_wait_for_counts_and_a_minute_of_them_is_one_epoch(tmp_path: Path, store: Store) -> None:
    with followed(tmp_path) as index:
        first = page(index)
        position = store.record(crowd(*[IDS[5]] * 500)).position
        second = page(index, at_least_position=position)
        assert second.posts_position == position
        assert (second.counted_position, second.rows) == (first.counted_position, first.rows)
        clock = index.trends._now() + 61
        index.trends._now = lambda: clock
        third = page(index, at_least_position=position)
        assert third.counted_position >= position
        assert third.posts[0].post.post_id == IDS[5]


def test_rules_move_posts_of_a_blend_as_of_other_rankings(tmp_path: Path, store: Store) -> None:
    recent = RecentHistory(IDS[:12], 12, NOON)
    with followed(tmp_path) as index:
        plain = [post_id for post_id, _, _ in whole(index, recent)]
        pinned, boosted, sunk, hidden = plain[-1], plain[-5], plain[3], plain[0]
        store.set_rule(Rule(name="a", action=RuleAction.PIN, post_ids=(pinned,)))
        store.set_rule(Rule(name="b", action=RuleAction.BOOST, post_ids=(boosted,), boost=1.0))
        store.set_rule(Rule(name="c", action=RuleAction.BOOST, post_ids=(sunk,), boost=-1.0))
        position = store.set_rule(Rule(name="d", action=RuleAction.HIDE, post_ids=(hidden,)))
        counts_all(index, position)
        found = whole(index, recent)
        numbers = [number for _, _, number in found]
        assert numbers == sorted(numbers, reverse=True)
        moved = {pinned, boosted, sunk, hidden}
        assert [post_id for post_id, _, _ in found] == [
            pinned,
            boosted,
            *(post_id for post_id in plain if post_id not in moved),
            sunk,
        ]
        first = page(index, recent)
        assert [each.reason for each in first.posts][:3] == [Reason.PINNED, Reason.BOOSTED, Reason.USER]


def test_diversity_and_exploration_keep_every_post_on_one_page(tmp_path: Path, store: Store) -> None:
    recent = RecentHistory(IDS[:12], 12, NOON)
    with followed(tmp_path) as index:
        counts_all(index, add(store, LivePost(900_001, 1, LIVE_TOWERS[0])))
        for fields in ({"diversity": 0.5}, {"most_per_owner": 20}):
            found = whole(index, recent, **fields)
            assert sorted(post_id for post_id, _, _ in found) == sorted([*IDS, 900_001])


def test_only_first_meetings_are_steps_and_what_is_skipped_or_not_wanted_is_none(tmp_path: Path, store: Store) -> None:
    first, second, third = IDS[3], IDS[4], IDS[5]
    with followed(tmp_path) as index:
        rows = [
            *did("ana", first, moment=NOON - 9 * MINUTE),
            *did("ana", IDS[6], moment=NOON - 8 * MINUTE, verb=Verb.SKIP),
            *did("ana", IDS[7], moment=NOON - 8 * MINUTE, verb=Verb.NOT_INTERESTED),
            *did("ana", second, moment=NOON - 7 * MINUTE),
            *did("ana", first, second, moment=NOON - 6 * MINUTE, verb=Verb.LIKE),
            *did("ana", third, moment=NOON - 5 * MINUTE),
        ]
        counts_all(index, store.record(rows).position)
        steps = index.trends.current().steps
        found = {row: steps.followers(row, position=2**62).tolist() for row in range(3, 8)}
        assert found == {3: [4], 4: [5], 5: [], 6: [], 7: []}
