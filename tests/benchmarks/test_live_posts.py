"""The figures of posts that come and go, at the sizes of --quick: what they count is right, whatever the clock says."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.live import (
    cold_posts,
    deletions,
    diverse_pages,
    filtered_searches,
    searches_beside_posts,
    visible_posts,
)
from benchmarks.live.bench import Bench
from benchmarks.live.deletion_ledger import DeletionLedger
from benchmarks.live.live_posts import live_post
from benchmarks.live.ready_posts import BUNDLE_ID, FIRST_ID, write
from benchmarks.live.refreshed_bundles import publish_another, publish_refreshed
from benchmarks.live.results import Found, LeftOutError
from benchmarks.searching import make_posts
from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from cli.subcommands import app
from pipeline.workspace import Workspace
from store.posts import NewPost, PostEmbedding
from store.sql_store import open_store
from tests.microlens_files import write_microlens_files


def values(found: Found) -> dict[str, float]:
    return {line.what: line.value for line in found.lines}


def test_a_new_post_becomes_visible_in_four_feeds_through_two_gateways(bench: Bench) -> None:
    found = visible_posts.measure(bench)
    seconds = [line.value for line in found.lines if line.what.startswith("upsert to")]
    assert len(seconds) == 2 * 4 + 1
    assert min(seconds) > 0
    assert max(seconds) < float("inf")
    assert found.lines[-1].value > 0


def test_no_deleted_post_is_shown_after_a_kill_and_a_swap(bench: Bench) -> None:
    found = deletions.measure(bench)
    assert {line.value for line in found.lines if line.at_most == 0} == {0}
    assert [row[0] for row in found.tables[0].rows] == ["undisturbed", "kill -9 of an index", deletions.REFRESHED]
    assert values(found)["feeds"] >= 300
    assert not found.lines[0].note.startswith("0 ")


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def judged(*, gateway: str, asked: float, answered: float, restored: float | None = None) -> tuple[int, int, int]:
    """What the ledger says of a feed with a post that gateway-1 deleted at 10 s: here, elsewhere, in time."""
    clock = Clock()
    ledger = DeletionLedger(clock)
    clock.now = 10
    ledger.deleted(7, gateway="gateway-1")
    if restored is not None:
        clock.now = restored
        ledger.restoring(7)
    ledger.judge([5, 7], gateway=gateway, asked=asked, answered=answered, phase="any")
    found = ledger.appearances()["any"]
    return found.here, found.elsewhere, found.within


@pytest.mark.parametrize(
    ("gateway", "asked", "expected"),
    [
        ("gateway-1", 9.9, (0, 0, 0)),
        ("gateway-1", 10.001, (1, 0, 0)),
        ("gateway-2", 10.9, (0, 0, 1)),
        ("gateway-2", 11.1, (0, 1, 0)),
    ],
)
def test_a_deleted_post_may_not_be_shown_where_it_was_deleted_nor_elsewhere_a_second_later(
    gateway: str, asked: float, expected: tuple[int, int, int]
) -> None:
    assert judged(gateway=gateway, asked=asked, answered=asked + 0.01) == expected


def test_a_post_may_be_shown_again_once_it_is_upserted_again() -> None:
    assert judged(gateway="gateway-1", asked=12, answered=12.1, restored=12.05) == (0, 0, 0)
    assert judged(gateway="gateway-1", asked=11.8, answered=11.9, restored=12.05) == (1, 0, 0)


def test_a_post_that_is_deleted_again_is_deleted() -> None:
    clock = Clock()
    ledger = DeletionLedger(clock)
    ledger.deleted(7, gateway="gateway-1")
    clock.now = 1
    ledger.restoring(7)
    clock.now = 2
    ledger.deleted(7, gateway="gateway-2")
    ledger.judge([7], gateway="gateway-2", asked=2.5, answered=2.6, phase="any")
    found = deletions.found_of(ledger, refused=Counter(), feeds=None)
    assert [line.value for line in found.lines if line.at_most == 0] == [1, 0]
    assert found.lines[0].note == "2 posts were deleted meanwhile"


def test_a_refreshed_bundle_holds_what_the_store_has_embeddings_of(bench: Bench, tmp_path: Path) -> None:
    bench = replace(bench, bundles=tmp_path / "own")
    root = bench.synthetic_bundle()
    before = open_bundle(current_bundle(root))
    old = IndexPosts.read(before)
    changed, gone, new, waiting = 3, 5, 2_000_000, 2_000_001
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        store.upsert_posts([NewPost(post=live_post(1, 2, post_id=post_id)) for post_id in (changed, new)])
        store.delete_posts([gone])
        embedding = old.tower_embeddings[0].astype("<f4").tobytes(), old.text_embeddings[0].astype("<f2").tobytes()
        kept = [
            PostEmbedding(post_id=number, revision=revision.position, tower=embedding[0], text=embedding[1])
            for number, revision in store.posts_by_id([changed, new]).items()
        ]
        position = store.keep_embeddings(before.bundle_id, kept)
        store.upsert_posts([NewPost(post=live_post(2, 2, post_id=waiting))])
        directory = root / publish_refreshed(root, store)
    refreshed = open_bundle(directory)
    posts = IndexPosts.read(refreshed)
    assert current_bundle(root) == directory
    assert refreshed.manifest.log_position == position
    assert set(posts.post_ids.tolist()) == set(old.post_ids.tolist()) - {gone} | {new}
    row = posts.post_ids.tolist().index(changed)
    assert posts.category_ids[row] == 2
    assert (posts.tower_embeddings[row] == old.tower_embeddings[0]).all()
    another = open_bundle(root / publish_another(root, number=0))
    assert another.bundle_id != refreshed.bundle_id
    assert IndexPosts.read(another).post_ids.tolist() == posts.post_ids.tolist()


def test_answers_while_posts_come_in_are_those_of_brute_force(bench: Bench) -> None:
    found = searches_beside_posts.measure(bench)
    assert values(found)["answers that differ from brute force"] == 0
    assert " 0 with a live post" not in found.lines[-1].note
    assert {label: len(rates) for label, rates in found.curves.items()} == {
        "without posts": 1,
        "with 200 posts/s": 1,
        "with 200 posts/s elsewhere": 1,
    }


def test_an_answer_without_a_post_that_had_come_is_wrong(tmp_path: Path) -> None:
    posts = make_posts([30] * 10, text_dimension=8)
    index = searches_beside_posts.PostIndex(posts, bundle_id=BUNDLE_ID, user_weight=0.5)
    searcher = searches_beside_posts.Searcher(index, posts)
    searcher.rate(0.05, sampled=1)
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        write(store, range(100))
        position = store.position()
        visible_from = searches_beside_posts.visible_from(store, position)
    assert sorted(visible_from) == list(range(100))
    assert searcher.wrong({}) == (0, 0)
    assert searcher.wrong(visible_from) == (0, 0)  # all of them came after the answers
    searcher.samples = [replace(sample, position=position) for sample in searcher.samples]
    wrong, with_live = searcher.wrong(visible_from)
    assert wrong == with_live > 0
    assert posts.post_ids.max() < FIRST_ID


def test_filters_are_compared_with_the_search_without_any_and_with_brute_force(bench: Bench) -> None:
    found = filtered_searches.measure(bench)
    assert len(found.tables[0].rows) == 17
    assert sum(line.what.startswith("p50, ") for line in found.lines) == 16
    recalls = [line for line in found.lines if "recall" in line.what]
    assert [(line.value, line.at_least, line.note) for line in recalls] == [(1.0, 1.0, "16 filters")]


def test_the_pages_of_a_month_are_compared_with_those_without_diversity(
    bench: Bench, small_workspace: Workspace
) -> None:
    found = diverse_pages.compare({"small": small_workspace}, bench, months=1)
    assert values(found)["list distance at diversity 0.5, more than at 0"] > 0
    assert values(found)["reordering a page"] > 0


def test_cold_posts_are_brought_in_and_found_among_each_other(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(LeftOutError, match="moodfeed import"):
        cold_posts.measure(bench)
    source = write_microlens_files(tmp_path / "files")
    for words in (["import", str(source)], ["embed"]):
        done = CliRunner().invoke(app, [*words, "--data", str(bench.microlens)])
        assert done.exit_code == 0, done.output
    with pytest.raises(LeftOutError, match=r"without every twentieth post.*--train"):
        cold_posts.measure(bench)
    found = cold_posts.measure(replace(bench, may_train=True))
    assert found.lines[0].value == 1  # fewer cold posts than a page has places
    assert not found.lines[0].note.endswith(" 0 posts")
