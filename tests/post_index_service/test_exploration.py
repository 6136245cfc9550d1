"""Pages that end with a new post: no post is lost or comes twice, and all pages agree on what moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.embedding_space import Embedding
from compute.log_tail import LogTail
from post_index_service.exploration import EXPLORED, Candidates, Exploration, with_explored
from post_index_service.impressions import MOST_IMPRESSIONS, NEW_DAYS
from post_index_service.index import PostIndex, Query, SearchResult
from post_index_service.ranking import Ranked
from post_index_service.reasons import Reason
from store.interactions import NewInteraction, Verb
from store.port import Store
from store.rules import Rule, RuleAction
from store.sql_store import open_store
from tests.post_index_service.live_world import MOODS, NOON, USER_WEIGHT, USERS, Form, index_posts_of

DAY_MS = 86_400_000
OLD = [Form(post_id, 1 + post_id % 2, post_id % 4, post_id % 4) for post_id in range(1, 31)]
NEW = [Form(post_id, 1, post_id % 4, post_id % 3, owner="bea") for post_id in range(101, 141)]
ALWAYS = Exploration(1.0, 7)


def ranked_of(rows: np.ndarray) -> Ranked:
    numbers = (1000 - np.arange(len(rows))).astype(np.float32)
    return Ranked(rows, numbers / 2, numbers)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Ranked, tuple[int, int], Candidates]:
    total = draw(st.integers(1, 60))
    first = draw(st.integers(0, total))
    end = draw(st.integers(first, total))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    ranked = ranked_of(random.permutation(total))
    places = np.arange(first, end)[random.random(end - first) < draw(st.sampled_from([0, 0.1, 0.5, 1]))]
    impressions = random.integers(0, 90, len(places))
    candidates = ranked_of(ranked.rows[places])
    return ranked, (first, end), Candidates(candidates, random.integers(0, impressions + 1), impressions)


@given(rankings(), st.integers(1, 25), st.sampled_from([0.0, 0.2, 1.0]), st.integers(0, 2**64 - 1))
def test_pages_hold_every_post_once_and_one_explored_post_at_most(
    world: tuple[Ranked, tuple[int, int], Candidates], limit: int, share: float, seed: int
) -> None:
    ranked, movable, candidates = world
    exploration = Exploration(share, seed)
    shown, numbers, moved = [], [], set()
    for offset in range(0, len(ranked.rows), limit):  # each page is made from the start alone, as a page token asks
        start = ranked.cut(0, offset + limit)
        found, explored = with_explored(
            start, exploration, limit=limit, movable=movable, candidates=lambda _: candidates
        )
        page = found.cut(offset, offset + limit)
        new = [row for row in page.rows.tolist() if row in set(explored.tolist())]
        assert len(new) <= 1
        assert not new or page.rows[-1] == new[0]
        assert set(new) <= set(candidates.ranked.rows.tolist())
        moved |= set(new)
        assert moved == set(explored.tolist())
        shown += page.rows.tolist()
        numbers += page.numbers.tolist()
    assert sorted(shown) == sorted(ranked.rows.tolist())
    assert numbers == sorted(numbers, reverse=True)
    first, end = movable
    assert shown[:first] == ranked.rows[:first].tolist()
    assert shown[end:] == ranked.rows[end:].tolist()
    assert [row for row in shown if row not in moved] == [row for row in ranked.rows.tolist() if row not in moved]
    assert share or not moved


def test_the_share_of_pages_is_kept_over_many_feeds() -> None:
    ranked = ranked_of(np.arange(40))
    candidates = Candidates(ranked.cut(20, 40), np.zeros(20, np.int64), np.zeros(20, np.int64))
    pages, share = 3 * 1000, 0.2
    explored = sum(
        len(with_explored(ranked.cut(0, 30), Exploration(share, seed), limit=10, movable=(0, 40),
                          candidates=lambda _: candidates)[1])
        for seed in range(1000)
    )  # fmt: skip
    assert abs(explored - pages * share) <= 4 * (pages * share * (1 - share)) ** 0.5


def test_a_post_that_people_like_is_drawn_more_often_than_one_that_they_do_not() -> None:
    positives, impressions = np.array([2, 30]), np.array([60, 60])
    winners = [Exploration(1.0, seed).winner(0, positives, impressions) for seed in range(100)]
    assert sum(winners) > 95
    unknown = [Exploration(1.0, seed).winner(0, np.array([0, 6]), np.array([0, 60])) for seed in range(200)]
    assert 40 < sum(unknown) < 180  # what nobody was shown gets its chance


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        yield opened


@contextmanager
def followed(tmp_path: Path, *, explores: bool = True, now_ms: int = NOON + DAY_MS) -> Iterator[PostIndex]:
    log = LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"))
    posts = index_posts_of(OLD, dict.fromkeys(range(1, 31), 0.5))
    posts = replace(posts, created_ms=posts.created_ms - 30 * DAY_MS)
    with log.followed():
        index = PostIndex(
            posts, bundle_id="b" * 64, user_weight=USER_WEIGHT, log=log, explores=explores, now_ms=lambda: now_ms
        )
        log.read_up(index.live)
        if index.impressions:
            log.read_up(index.impressions)
        yield index


def add(store: Store, *forms: Form) -> int:
    last, _ = store.upsert_posts([form.new() for form in forms])
    first = last - len(forms) + 1
    return store.keep_embeddings("b" * 64, [form.embedding(first + place) for place, form in enumerate(forms)])


def do(store: Store, verb: Verb, post_id: int, times: int) -> int:
    return store.record(
        [
            NewInteraction(
                event_id=f"{verb} {post_id} {number}",
                username=f"{number}",
                occurred_at_ms=NOON,
                verb=verb,
                post_id=post_id,
            )
            for number in range(times)
        ]
    ).position


def search(index: PostIndex, **fields: object) -> SearchResult:
    user = Embedding(index.tower_space, USERS[0])
    return index.search(Query(**{"user": user, "seconds": 30, "exploration": ALWAYS, "limit": 10} | fields))


def explored(result: SearchResult) -> list[int]:
    return [item.post.post_id for item in result.posts if item.reason is Reason.EXPLORATION]


def pages(index: PostIndex, **fields: object) -> list[SearchResult]:
    found = [search(index, **fields)]
    while found[-1].has_more:
        fields |= {"posts_position": found[0].posts_position, "rules_moment_ms": found[0].rules_moment_ms}
        found.append(search(index, offset=10 * len(found), **fields))
    return found


def ids(results: list[SearchResult]) -> list[int]:
    return [item.post.post_id for result in results for item in result.posts]


def test_pages_stay_exact_whatever_is_recorded_between_them_and_in_another_replica(
    tmp_path: Path, store: Store
) -> None:
    position = add(store, *NEW)
    with followed(tmp_path) as index:
        before = pages(index, at_least_position=position)
        assert sorted(ids(before)) == sorted(form.post_id for form in [*OLD, *NEW])
        assert [len(explored(page)) for page in before[:3]] == [1, 1, 1]
        assert all(len(explored(page)) <= 1 for page in before)
        numbers = [number for page in before for number in page.ranking_scores]
        assert numbers == sorted(numbers, reverse=True)
        chosen = [post_id for page in before for post_id in explored(page)]
        for post_id in chosen:  # so that none of them would be explored now
            position = do(store, Verb.SKIP, post_id, MOST_IMPRESSIONS)
        position = add(store, *[replace(form, post_id=form.post_id + 100) for form in NEW])
        as_before = {"posts_position": before[0].posts_position, "rules_moment_ms": before[0].rules_moment_ms}
        assert ids(pages(index, at_least_position=position, **as_before)) == ids(before)
        now = search(index, at_least_position=position)
        assert explored(now)
        assert not set(explored(now)) & set(chosen)
        with followed(tmp_path) as replica:
            assert ids(pages(replica, at_least_position=position)) == ids(pages(index, at_least_position=position))


def test_nothing_changes_unless_it_is_asked_for_and_counted(tmp_path: Path, store: Store) -> None:
    position = add(store, *NEW)
    with followed(tmp_path) as index, followed(tmp_path, explores=False) as other:
        plain = pages(other, at_least_position=position, exploration=None)
        assert other.impressions is None
        for answer in (pages(index, exploration=None), pages(other), pages(index, exploration=Exploration(0.0, 7))):
            assert [(page.rows, page.scores, page.ranking_scores, page.reasons) for page in answer] == [
                (page.rows, page.scores, page.ranking_scores, page.reasons) for page in plain
            ]


def test_only_new_posts_that_the_request_may_show_are_explored(tmp_path: Path, store: Store) -> None:
    position = add(store, *NEW)
    with followed(tmp_path) as index:

        def found(**fields: object) -> set[int]:
            answers = (
                search(index, at_least_position=position, exploration=Exploration(1.0, seed), **fields)
                for seed in range(30)
            )
            return {post_id for answer in answers for post_id in explored(answer)}

        everything = found()
        assert everything <= {form.post_id for form in NEW}
        assert len(everything) > 5
        for field in ("exclude_post_ids", "seen_post_ids", "not_interested_post_ids"):
            assert found(**{field: sorted(everything)}).isdisjoint(everything)
        assert found(category_id=2) == set()
        mood = Embedding(index.text_space, MOODS[0])
        assert found(mood=mood)
        assert found(mood=mood, user=None)
        assert found(user=None) == found(user=None, trending=True) == found(similar_to_post_id=1) == set()
        assert found(diversity=0.5) == found(most_per_owner=9) == set()
        for number, action in enumerate((RuleAction.HIDE, RuleAction.BOOST, RuleAction.PIN)):
            few = sorted(everything)[:3]
            boost = -0.1 if action is RuleAction.BOOST else 0.0
            position = store.set_rule(Rule(name=f"{number}", action=action, boost=boost, post_ids=tuple(few)))
            assert found().isdisjoint(few)
            position = store.delete_rule(f"{number}")
    with followed(tmp_path, now_ms=NOON + (NEW_DAYS + 1) * DAY_MS) as late:
        assert explored(search(late, at_least_position=position)) == []


def test_what_was_shown_often_is_explored_no_more_and_what_is_explored_is_counted(tmp_path: Path, store: Store) -> None:
    add(store, *NEW[:2])
    first, second = (form.post_id for form in NEW[:2])
    do(store, Verb.VIEW, first, MOST_IMPRESSIONS - 1)
    position = do(store, Verb.LIKE, first, MOST_IMPRESSIONS - 2)
    with followed(tmp_path) as index:
        assert index.impressions is not None
        assert index.impressions.counts(index.live.layer.live.trend_rows[0], position=position) == (
            MOST_IMPRESSIONS - 2,
            MOST_IMPRESSIONS - 1,
        )
        before = EXPLORED._value.get()
        some = {"at_least_position": position, "exclude_post_ids": [second], "limit": 5}
        at = search(index, **some)
        count = len(explored(at))
        assert count == 1
        assert EXPLORED._value.get() == before + count
        served = store.remember_served("ana", [first], shown_at_ms=NOON)
        assert explored(search(index, **some | {"at_least_position": served})) == []
        assert explored(search(index, **some, posts_position=at.posts_position)) == explored(at)
