"""A refresh publishes the same towers over today's tables: the bundle holds the live posts, and nothing is live."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import typer

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts
from cli.refresh_command import refresh as refresh_command
from cli.refresh_command import seconds_of
from pipeline.dataset import DatasetError, read_dataset
from pipeline.encode import encode_posts
from pipeline.refresh import note_made_of
from pipeline.refreshed_towers import refreshed_towers
from pipeline.workspace import Workspace
from post_index_service.loading import load as load_index
from post_index_service.query import Query
from store.interactions import NewInteraction, Verb
from store.posts import NewPost, Post
from store.sql_store import SqlStore, open_store
from tests.pipeline.small_catalogues import CREATED_AT, Catalogue, Event, build, with_served_encoder_as_committed
from tests.pipeline.small_catalogues import Post as CatalogueOf
from tests.tiny_bundle import TINY_ENCODER
from two_tower.tower_files import TowerArrays
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog

ROOT = Path(__file__).parents[2]
NOW_MS = CREATED_AT + 400 * 60_000
NEW = Post(
    post_id=500,
    category_id=9,
    category_name="new category",
    video_link="https://video.example/500",
    created_at_ms=NOW_MS,
    title="a new title",
    description="calm sea",
    emotions=("calm",),
)
EVENTS = [Event(0, 0, "like", 5), Event(0, 1, "view", 6), Event(1, 1, "view", 7), Event(1, 2, "inspire", 9)]


class World:
    """A built bundle, its workspace, and a store."""

    def __init__(self, directory: Path, store: SqlStore) -> None:
        self.directory, self.store = directory, store
        self.first = build(Catalogue([CatalogueOf()] * 2 + [CatalogueOf(category_id=7)] * 2, 2, EVENTS), directory)
        self.workspace = Workspace(directory / "data")
        self.bundles = directory / "bundles"
        dataset = read_dataset(self.workspace.clean, self.workspace.text_embeddings)
        note_made_of(self.workspace, self.first.bundle_id, dataset)

    def current(self) -> Bundle:
        return open_bundle(current_bundle(self.bundles))

    def refresh(self, **options: object) -> None:
        with with_served_encoder_as_committed():
            refresh_command(
                data=self.workspace.directory,
                bundles=self.bundles,
                store=f"sqlite:///{self.directory}/store.sqlite",
                encoder=TINY_ENCODER,
                **options,  # type: ignore[arg-type]
            )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        yield World(tmp_path, store)


def test_a_live_post_is_in_the_refreshed_bundle_and_the_live_layer_is_empty(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.refresh()
    assert world.current().bundle_id == world.first.bundle_id  # nothing has changed
    assert "Nothing has changed" in capsys.readouterr().out

    world.store.upsert_posts([NewPost(post=NEW)])
    world.store.delete_posts([4])
    rows = {"occurred_at_ms": NOW_MS, "verb": Verb.LIKE}
    world.store.record([NewInteraction(event_id="1", username="user2", post_id=500, **rows)])
    live = LiveLog(lambda: open_store(f"sqlite:///{world.directory}/store.sqlite"))
    with live.followed():
        before = Encoder(world.first, live=live, live_cache_size=10)
        assert live.encoding.wait_for(world.first.bundle_id, seconds=30)
        assert live.reach(world.store.position(), seconds=30)
        cold = world.store.embeddings(world.first.bundle_id)
        live_user = before.encode_context("user2", "").user

    world.refresh()
    bundle = world.current()
    assert bundle.bundle_id != world.first.bundle_id
    assert bundle.manifest.log_position == world.store.position()
    assert world.store.post_revisions(after=bundle.manifest.log_position) == ()
    index = IndexPosts.read(bundle)
    assert sorted(index.post_ids.tolist()) == [1, 2, 3, 500]
    assert {category.category_id: category.name for category in index.categories}[9] == "new category"
    with_posts = load_index(bundle)
    mood = Encoder(bundle).encode_context("user2", "calm")
    found = with_posts.search(Query(user=mood.user, mood=mood.mood, category_id=9)).posts
    assert [each.post.post_id for each in found] == [500]
    # The cold path of the pipeline gives the text embedding that the live path gave, up to 8 bits: of eight random
    # numbers, from which the head estimates a mood, they change more than of a true encoder's.
    (kept,) = cold
    row = index.post_ids.tolist().index(500)
    text = index.text_embeddings[row].astype(np.float32)
    assert float(text @ np.frombuffer(kept.text, "<f2").astype(np.float32)) > 0.9
    # And the person who liked the post is, up to the same, who they were live.
    assert live_user is not None
    assert mood.user is not None
    assert float(mood.user.values @ live_user.values) > 0.98

    world.refresh()
    assert world.current().bundle_id == bundle.bundle_id


def test_without_new_data_the_refreshed_towers_give_the_embeddings_of_the_bundle_to_the_bit(world: World) -> None:
    dataset = read_dataset(world.workspace.clean, world.workspace.text_embeddings)
    posts = encode_posts(refreshed_towers(world.first, dataset), dataset)
    held = HistoryPosts.read(world.first)
    np.testing.assert_array_equal(posts.representations, held.representations)
    index = IndexPosts.read(world.first)
    rows = np.searchsorted(dataset.post_ids, index.post_ids)
    np.testing.assert_array_equal(posts.embeddings[rows], index.tower_embeddings)


def test_a_post_that_training_lacked_has_no_identity_and_a_new_category_is_none(world: World) -> None:
    world.store.upsert_posts([NewPost(post=NEW)])
    world.refresh()
    before, after = TowerArrays.read(world.first), TowerArrays.read(world.current())
    assert after.known.category_ids.tolist() == [2, 7, 9]
    np.testing.assert_array_equal(after.post_tower["category.weight"][3], before.post_tower["category.weight"][0])
    np.testing.assert_array_equal(after.post_tower["identity.weight"][4], 0)
    np.testing.assert_array_equal(after.post_tower["identity.weight"][:4], before.post_tower["identity.weight"])
    for name, weight in before.user_tower.items():
        np.testing.assert_array_equal(after.user_tower[name], weight)


def test_another_encoder_than_the_bundles_is_refused(world: World, tmp_path: Path) -> None:
    other = tmp_path / "encoder"
    other.mkdir()
    for path in TINY_ENCODER.iterdir():
        (other / path.name).write_bytes(path.read_bytes() + (b" " if path.suffix == ".json" else b""))
    world.store.upsert_posts([NewPost(post=NEW)])
    with pytest.raises(DatasetError, match="trained with another encoder"):
        refresh_command(
            data=world.workspace.directory,
            bundles=world.bundles,
            store=f"sqlite:///{world.directory}/store.sqlite",
            encoder=other,
        )
    assert world.current().bundle_id == world.first.bundle_id


def test_rounds_go_on_after_one_that_fails_until_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "refresh", "--every", "1s", "--data", str(tmp_path / "data")]
    command += ["--bundles", str(tmp_path / "bundles"), "--store", f"sqlite:///{tmp_path}/store.sqlite", "--no-fetch"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with closing(process.stdout) as output:  # type: ignore[type-var]
        assert output is not None
        lines = []
        while sum("the next one starts" in line for line in lines) < 2:
            lines.append(output.readline())
            assert lines[-1], lines
        process.send_signal(signal.SIGTERM)
        rest = output.read()
    assert sum("error:" in line for line in lines) == 2, lines
    assert process.wait(30) in {0, 128 + signal.SIGTERM}, rest


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "-1m", "0s", "1d", "15 m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 90s"):
        seconds_of(text)
