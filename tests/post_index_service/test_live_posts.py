"""What becomes of posts over time: replaced, deleted, let go of, restored, counted, and changed while searches run."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from compute.log_tail import LogTail
from post_index_service.index import PostIndex
from post_index_service.kept_moments import kept_seconds
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.loading import wait_until_encoded
from post_index_service.query import Query
from store.interactions import NewInteraction, Verb
from store.log_entries import Entries, StoreRestored
from store.port import Store
from store.posts import PostEmbedding
from store.rules import Rule, RuleAction
from store.sql_store import open_store
from tests.post_index_service.live_world import NOON, TEXT, TOWER, USER_WEIGHT, Asked, Form, index_posts_of

FIRST = [Form(post_id, 1, post_id % 4, post_id % 4) for post_id in range(1, 9)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        yield opened


@contextmanager
def followed(tmp_path: Path) -> Iterator[PostIndex]:
    log = LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"))
    posts = index_posts_of(FIRST, dict.fromkeys(range(1, 9), 0.5))
    with log.followed():
        index = PostIndex(posts, bundle_id="b" * 64, user_weight=USER_WEIGHT, log=log)
        log.read_up(index.live)
        yield index


def add(store: Store, *forms: Form) -> int:
    last, _ = store.upsert_posts([form.new() for form in forms])
    first = last - len(forms) + 1
    return store.keep_embeddings("b" * 64, [form.embedding(first + place) for place, form in enumerate(forms)])


def ids(index: PostIndex, **fields: object) -> list[int]:
    return [item.post.post_id for item in index.search(Query(limit=100, seconds=30, **fields)).posts]


def test_a_page_does_not_show_the_old_form_of_a_post_that_was_replaced_and_then_deleted(
    tmp_path: Path, store: Store
) -> None:
    with followed(tmp_path) as index:
        begun = store.position()
        replaced = add(store, Form(3, 1, 0, 0))
        assert 3 in ids(index, at_least_position=replaced)
        assert 3 in ids(index, posts_position=begun)  # as it was
        deleted = store.delete_posts([3])
        for at in (begun, replaced, deleted):
            assert 3 not in ids(index, at_least_position=deleted, posts_position=at)
        back = add(store, Form(3, 1, 1, 1))
        assert 3 in ids(index, at_least_position=back)
        assert 3 not in ids(index, posts_position=begun)
        assert index.search(Query(limit=2, posts_position=begun)).has_more


def test_what_posts_were_is_kept_as_long_as_page_tokens_live_and_then_let_go(tmp_path: Path, store: Store) -> None:
    clock = [0.0]
    with followed(tmp_path) as index:
        index.live._moments._now = lambda: clock[0]
        index.live._moments._marks.clear()  # of the clock of before
        forms = [Form(100 + number, 2, number % 4, number % 4) for number in range(300)]
        early = add(store, *forms)
        assert len(ids(index, at_least_position=early)) == 100
        late = add(store, *forms)  # each once more
        ids(index, at_least_position=late)
        assert len(index.live.layer.live) == 600
        whole = ids(index, category_id=2, posts_position=early)
        clock[0] = kept_seconds(15.0) - 1
        position = store.delete_posts([1])
        assert ids(index, category_id=2, at_least_position=position, posts_position=early) == whole
        clock[0] += 2 * kept_seconds(15.0)
        for post_id in (2, 3):
            position = store.delete_posts([post_id])
            ids(index, at_least_position=position)
            clock[0] += kept_seconds(15.0)
        assert len(index.live.layer.live) == 300
        with pytest.raises(PostsNotHeldError, match=f"position {early} are not held"):
            ids(index, posts_position=early)
        user = Asked(user=1, category_id=2).query(index)
        found = [(item.post.post_id, item.score) for item in index.search(user).posts]
        assert len({post_id for post_id, _ in found}) == len(found) == 100
        gone = add(store, Form(100, 2, 1, 1))
        assert 100 in ids(index, at_least_position=gone, category_id=2)
        gone = store.delete_posts([100, 101])
        assert not {100, 101} & set(ids(index, at_least_position=gone, category_id=2))


def test_versions_of_rules_are_let_go_of_also_if_no_post_changes(tmp_path: Path, store: Store) -> None:
    clock = [0.0]
    with followed(tmp_path) as index:
        index.live._moments._now = lambda: clock[0]
        index.live._moments._marks.clear()
        early = 0
        for number in range(6):
            rule = Rule(name="summer", action=RuleAction.HIDE, post_ids=(number,))
            position = store.set_rule(rule)
            early = early or position
            assert number not in ids(index, at_least_position=position)
            clock[0] += kept_seconds(15.0) / 2 + 1
        assert len(index.live.layer.rules.versions) <= 4
        with pytest.raises(PostsNotHeldError):
            ids(index, posts_position=early)


def test_a_post_that_was_deleted_and_came_back_lost_its_external_id_of_before(tmp_path: Path, store: Store) -> None:
    with followed(tmp_path) as index:
        add(store, Form(20, 3, 1, 1, external_id="before"))
        deleted = store.delete_posts([20])
        ids(index, at_least_position=deleted)
        back = add(store, Form(20, 3, 1, 1, external_id="now"))
        ids(index, at_least_position=back)
        assert index.ids_called("before") == ()
        assert index.ids_called("now") == (20,)


def test_a_restored_store_is_read_anew(tmp_path: Path, store: Store) -> None:
    with followed(tmp_path) as index:
        store.delete_posts([2])
        position = add(store, Form(20, 3, 1, 1), Form(1, 1, 2, 2))
        before = ids(index, at_least_position=position)
        serials = index.live.layer.live.serials.tolist()
        index.live.read(Entries((StoreRestored(position=position + 1),), position + 1))
        assert ids(index) == before
        assert not set(index.live.layer.live.serials.tolist()) & set(serials)  # which would name packed posts of before
        assert index.live.layer.known_since == position + 1


def test_interactions_with_a_live_post_are_counted_also_those_from_before_it_came(tmp_path: Path, store: Store) -> None:
    def view(number: int, *, post_id: int | None = None, external_id: str | None = None) -> NewInteraction:
        return NewInteraction(
            event_id=f"e{number}",
            username=f"person {number}",
            occurred_at_ms=NOON,
            verb=Verb.VIEW,
            post_id=post_id,
            external_id=external_id,
        )

    with followed(tmp_path) as index:
        store.record([view(1, post_id=20), view(2, post_id=21)])
        add(store, Form(20, 3, 1, 1, external_id="twenty"), Form(21, 3, 1, 1))
        position = store.record([view(3, external_id="twenty"), view(4, post_id=20), view(4, post_id=20)]).position
        found = index.search(Query(trending=True, at_least_position=position, seconds=30))
        assert [(item.post.post_id, item.score) for item in found.posts][:2] == [(20, 3.0), (21, 1.0)]


def test_an_embedding_that_is_no_unit_vector_of_the_bundle_leaves_its_post_pending(
    tmp_path: Path, store: Store
) -> None:
    with followed(tmp_path) as index:
        position, _ = store.upsert_posts([Form(20, 3, 1, 1).new()])
        wrong = PostEmbedding(post_id=20, revision=position, tower=b"\x00" * 4 * TOWER, text=b"\x00" * 2 * TEXT)
        position = store.keep_embeddings("b" * 64, [wrong])
        assert 20 not in ids(index, at_least_position=position)
        assert index.live.pending_count == 1


@pytest.fixture
def threads_take_turns_often() -> Iterator[None]:
    """Many more interleavings in the same time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_take_turns_often")
def test_searches_are_whole_while_posts_come_and_go(tmp_path: Path, store: Store) -> None:
    """Each search is as of one position: each post once, none that was deleted and acknowledged before it began."""
    deleted: list[int] = []
    is_over = threading.Event()

    def write() -> None:
        for number in range(60):
            add(store, *(Form(100 + 3 * number + place, 1 + place, place, place) for place in range(3)))
            position = store.delete_posts([100 + 3 * number])
            assert index.live._reach(position, seconds=30)
            deleted.append(100 + 3 * number)
        is_over.set()

    with followed(tmp_path) as index:
        writing = threading.Thread(target=write)
        writing.start()
        searches = 0
        while not is_over.is_set() or not searches:
            known = set(deleted)
            begun = index.search(Query(limit=100))
            shown = [item.post.post_id for item in begun.posts]
            assert len(set(shown)) == len(shown)
            assert not known & set(shown)
            pages = [
                item.post.post_id
                for offset in range(0, 300, 25)
                for item in index.search(Query(limit=25, offset=offset, posts_position=begun.posts_position)).posts
            ]
            assert len(set(pages)) == len(pages)
            assert [post_id for post_id in shown if post_id in pages] == [
                post_id for post_id in pages if post_id in shown
            ]
            searches += 1
        writing.join()
        assert sorted(ids(index, category_id=2)) == [101 + 3 * number for number in range(60)]


def test_a_post_that_nobody_can_encode_holds_back_no_bundle(tmp_path: Path, store: Store) -> None:
    with followed(tmp_path) as index:
        lacking = store.upsert_posts([Form(post_id, 1, 0, 0).new() for post_id in (50, 51)])[0]
        assert index.live._reach(lacking, seconds=30)
        with capture_logs() as logs:
            wait_until_encoded(index, lambda: False, seconds=0.0)
        (said,) = (log for log in logs if log["log_level"] == "warning")
        assert (said["event"], said["missing"]) == ("bundle goes on without embeddings", 2)
        come = add(store, Form(50, 1, 0, 0), Form(51, 1, 0, 0))
        assert index.live._reach(come, seconds=30)
        with capture_logs() as logs:
            wait_until_encoded(index, lambda: False, seconds=0.0)
        assert logs == []
        assert {50, 51} <= set(ids(index))
