"""Posts that came after the bundle: encoded for it, and part of the histories of those who met them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from safetensors.numpy import load_file, save_file
from structlog.testing import capture_logs

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle, open_bundle, write_bundle
from bundle.embedding_space import Vector
from bundle.known_users import HistoryPosts, KnownUsers
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.post_texts import texts_of
from store.interactions import NewInteraction, Verb
from store.log_entries import PostsEmbedded
from store.posts import NewPost, Post, PostEmbedding
from store.sql_store import open_store
from tests.tiny_bundle import MANIFEST, TOWER, tiny_files
from tests.user_tower_service.live_world import MOMENT, LiveWorld, live_world
from tests.user_tower_service.test_live_histories import with_rows
from user_tower_service import post_encoding
from user_tower_service.encoder import Encoder
from user_tower_service.live_log import LiveLog
from user_tower_service.loading import live_log_of, loader
from user_tower_service.post_encoder import PostContent
from user_tower_service.post_encoding import PostEncoding
from user_tower_service.settings import Settings

POST = Post(
    post_id=777,
    category_id=7,
    video_link="v",
    created_at_ms=MOMENT,
    title="A quiet *lake*",
    description="Mist over the water",
    emotions=("calm", "very_calm", "calm"),
    external_id="source 777",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LiveWorld]:
    with live_world(tmp_path) as world:
        yield world


def add(world: LiveWorld, post: Post = POST) -> int:
    """Add a post, and wait for its embeddings; gives the position of its revision."""
    position, _ = world.other_process.upsert_posts([NewPost(post=post)])
    wait_for_posts(world)
    return position


def wait_for_posts(world: LiveWorld) -> None:
    """Wait until the tower has read all of the log, encoded what waits, and read that."""
    store = world.other_process
    world.live.reach(store.position(), seconds=30)
    assert world.live.encoding.wait_for(world.bundle.bundle_id, seconds=30)
    world.live.reach(store.position(), seconds=30)


def values(world: LiveWorld, username: str, *, as_of: int | None = None) -> bytes | None:
    user = world.context(username, as_of=as_of).user
    return None if user is None else user.values.tobytes()


def test_a_post_gets_the_embeddings_of_a_new_post_with_the_texts_of_the_pipeline(world: LiveWorld) -> None:
    revision = add(world)
    (kept,) = world.other_process.embeddings(world.bundle.bundle_id)
    texts = texts_of(title=POST.title, description=POST.description, emotions=POST.emotions)
    (encoded,) = world.encoder.encode_posts([PostContent(777, "", texts.summary, 7)])
    moods = world.encoder._moods
    sentence = moods.encode_text(post_to_mood_sentence(texts.mood, texts.summary))
    mood = moods.reader.place_post(texts.mood, texts.summary, sentence)
    assert (kept.post_id, kept.revision) == (777, revision)
    assert np.frombuffer(kept.tower, "<f4").tobytes() == encoded.tower.values.tobytes()
    np.testing.assert_array_equal(np.frombuffer(kept.text, "<f2"), mood.astype(np.float16))
    assert np.frombuffer(kept.representation, "<f4").shape == (TOWER.representation_dimension,)


def test_a_changed_text_is_encoded_and_other_changes_reuse_the_embedding(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    text_encoder = world.encoder._moods.text_encoder
    encode = text_encoder.encode
    monkeypatch.setattr(text_encoder, "encode", lambda texts: [encoded.extend(texts), encode(texts)][1])
    add(world)
    (first,) = world.other_process.embeddings(world.bundle.bundle_id)
    assert encoded == [
        "A quiet *lake*. calm, very calm. Mist over the water",
        encoded[1],  # the sentence of its emotions
    ]
    assert "calm, very calm" in encoded[1]
    add(world, replace(POST, thumbnail_url="t", is_servable=False))
    (second,) = world.other_process.embeddings(world.bundle.bundle_id)
    assert len(encoded) == 2
    assert second == replace(first, revision=second.revision)
    assert second.revision > first.revision
    add(world, replace(POST, title="A loud lake"))
    (third,) = world.other_process.embeddings(world.bundle.bundle_id)
    assert encoded[2:] == ["A loud lake. calm, very calm. Mist over the water"]  # the emotions are the same
    assert third.tower != first.tower


def test_what_came_while_nobody_encoded_is_encoded_and_what_the_bundle_holds_is_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with open_store(url) as store:
        position, _ = store.upsert_posts([NewPost(post=replace(POST, external_id=""))])
        store.upsert_posts([NewPost(post=replace(POST, post_id=778)), NewPost(post=replace(POST, post_id=779))])
        store.delete_posts([779])
        manifest = replace(MANIFEST, log_position=position)
        bundle = open_bundle(write_bundle(tmp_path / "bundles", manifest, write_files=tiny_files(), sidecar={}))
        live = LiveLog(lambda: open_store(url), begin_after=position)
        with live.followed():
            encoder = Encoder(bundle, live=live, live_cache_size=10)
            assert live.encoding.wait_for(bundle.bundle_id, seconds=30)
            assert [kept.post_id for kept in store.embeddings(encoder.bundle_id)] == [778]


def test_a_post_that_cannot_be_encoded_is_counted_logged_without_its_text_and_tried_again(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_encoding, "FIRST_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(post_encoding, "STORE_RETRY_SECONDS", 0.02)
    is_broken = threading.Event()
    is_broken.set()
    embed = world.encoder.embed_live_post

    def fail(post_id: int, revision: int, post: Post) -> PostEmbedding:
        if post_id == 666 and is_broken.is_set():
            raise RuntimeError(f"cannot read {post.title}")
        return embed(post_id, revision, post)

    monkeypatch.setattr(world.encoder, "embed_live_post", fail)
    failures = REGISTRY.get_sample_value("moodfeed_live_post_encoding_failures_total") or 0
    with capture_logs() as logs:
        store = world.other_process
        store.upsert_posts([NewPost(post=replace(POST, post_id=666, external_id="")), NewPost(post=POST)])
        wait_for_posts(world)
        assert [kept.post_id for kept in store.embeddings(world.bundle.bundle_id)] == [777]
        is_broken.clear()
        position = store.position()
        assert world.live.reach(position + 1, seconds=0) is False
        assert store.wait_for(position + 1, timeout=30) > position
    assert sorted(kept.post_id for kept in store.embeddings(world.bundle.bundle_id)) == [666, 777]
    assert (REGISTRY.get_sample_value("moodfeed_live_post_encoding_failures_total") or 0) > failures
    said = [log for log in logs if log["event"] == "live post cannot be encoded"]
    assert said
    assert {log["post_id"] for log in said} == {666}
    assert "lake" not in str(logs)


def test_a_deleted_post_waits_for_nothing(world: LiveWorld) -> None:
    add(world)
    world.other_process.delete_posts([777])
    wait_for_posts(world)
    assert world.other_process.embeddings(world.bundle.bundle_id) == ()


def test_embeddings_of_bundles_that_are_gone_are_forgotten_and_those_of_known_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "bundles" / "still there").mkdir(parents=True)
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        position, _ = store.upsert_posts([NewPost(post=POST)])
        vectors = {"tower": b"t", "text": b"x", "representation": b"r"}
        for bundle in ("gone", "still there", "seen in the log"):
            store.keep_embeddings(bundle, [PostEmbedding(post_id=777, revision=position, **vectors)])
        encoding = PostEncoding(lambda: store, bundles=tmp_path / "bundles")
        encoding.take_in(store.entries_after(position + 2).entries[0])
        encoding._check_at = 0
        encoding._check()
        kept = [bundle for bundle in ("gone", "still there", "seen in the log") if store.embeddings(bundle)]
        assert kept == ["still there", "seen in the log"]


def bundle_with_post(directory: Path, post_id: int, representation: Vector, row: NewInteraction) -> Bundle:
    """The tiny bundle with a post that nobody had met when it was trained, and an event of a person with it."""
    tower = replace(TOWER, post_count=TOWER.post_count + 1)
    tiny = open_bundle(write_bundle(directory, MANIFEST, write_files=tiny_files(), sidecar={}))
    manifest = replace(MANIFEST, tower=tower.as_facts())

    def write_files(place: Path) -> None:
        tiny_files()(place)
        posts = HistoryPosts.read(tiny)
        HistoryPosts(
            post_ids=np.append(posts.post_ids, post_id),
            representations=np.vstack([posts.representations, representation]),
        ).write(place)
        weights = load_file(place / "post_tower.safetensors")
        for name in ("identity.weight", "known.numeric"):
            weights[name] = np.vstack([weights[name], np.zeros((1, weights[name].shape[1]), np.float32)])
        weights["known.category_rows"] = np.append(weights["known.category_rows"], 2)
        weights["known.is_new"] = np.append(weights["known.is_new"], True)
        save_file(weights, place / "post_tower.safetensors")
        as_known = replace(row, post_id=10)  # scored like any other post, then renamed
        users = with_rows(KnownUsers.read(tiny), row.username, [as_known])
        ids = users.post_ids.copy()
        ids[int(users.offsets[users.usernames.index(row.username) + 1]) - 1] = post_id
        replace(users, post_ids=ids).write(place)

    return open_bundle(write_bundle(directory, manifest, write_files=write_files, sidecar={}))


@pytest.mark.parametrize("username", ["ana", "a stranger"])
def test_a_live_post_in_a_history_is_to_the_last_bit_a_new_post_in_the_tables_of_the_bundle(
    world: LiveWorld, tmp_path: Path, username: str
) -> None:
    before = values(world, username)
    add(world)
    world.did(username, Verb.LIKE, 777)
    (kept,) = world.other_process.embeddings(world.bundle.bundle_id)
    row = NewInteraction(event_id="1", username=username, occurred_at_ms=MOMENT, verb=Verb.LIKE, post_id=777)
    whole = bundle_with_post(tmp_path / "whole", 777, np.frombuffer(kept.representation, "<f4"), row)
    theirs = Encoder(whole).encode_context(username, "")
    assert theirs.user
    assert values(world, username) == theirs.user.values.tobytes()
    assert values(world, username) != before
    assert world.context(username).seen_post_ids == theirs.seen_post_ids


def test_an_interaction_before_the_post_counts_once_it_has_embeddings_and_pages_of_before_stay(
    world: LiveWorld,
) -> None:
    before = world.did("early", Verb.LIKE, 777).position
    alone = values(world, "early")
    changes = world.live.changes_after(before, seconds=0)
    assert not changes.is_everybody
    add(world)
    context = world.context("early")
    embedded = world.other_process.position()
    assert values(world, "early") != alone
    assert context.changed_position == embedded
    assert world.live.changes_after(before, seconds=0).is_everybody
    assert values(world, "early", as_of=embedded - 1) == alone
    assert values(world, "early", as_of=embedded) == values(world, "early")


def test_an_external_id_names_the_same_post(world: LiveWorld) -> None:
    add(world)
    world.did("by id", Verb.LIKE, 777)
    row = NewInteraction(
        event_id="by name", username="by name", occurred_at_ms=MOMENT, verb=Verb.LIKE, external_id="source 777"
    )
    world.people.record([row])
    assert values(world, "by name") == values(world, "by id")
    assert world.context("by name").seen_post_ids == (777,)


def test_two_posts_with_the_same_external_id_can_both_be_deleted(world: LiveWorld) -> None:
    add(world)
    add(world, replace(POST, post_id=778))
    world.other_process.delete_posts([778])
    deleted = world.other_process.delete_posts([777])
    assert world.live.reach(deleted, seconds=30)
    assert POST.external_id not in world.live.posts.named


def test_a_deleted_post_leaves_the_histories_from_its_deletion_on(world: LiveWorld) -> None:
    add(world)
    world.did("deleted", Verb.VIEW, 20)
    without = values(world, "deleted")
    liked = world.did("deleted", Verb.LIKE, 777).position
    with_post = values(world, "deleted")
    world.other_process.delete_posts([777])
    wait_for_posts(world)
    assert values(world, "deleted") == without
    assert values(world, "deleted", as_of=liked) == with_post


def test_a_post_that_the_bundle_holds_stays_in_histories_as_the_bundle_has_it(world: LiveWorld) -> None:
    world.did("known", Verb.LIKE, 20)
    before = values(world, "known")
    add(world, replace(POST, post_id=20))
    assert values(world, "known") == before


STEPS = st.lists(
    st.tuples(st.sampled_from(["upsert", "upsert", "delete", "like", "like by name"]), st.sampled_from([20, 777, 778])),
    min_size=3,
    max_size=9,
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_a_tower_that_begins_later_sees_people_and_posts_as_one_that_was_there(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with live_world(tmp_path_factory.mktemp("world")) as world:
        store = world.other_process
        for number, (step, post_id) in enumerate(steps):
            match step:
                case "upsert":
                    name = f"source {post_id}" if number % 3 else f"once {post_id}"
                    add(world, replace(POST, post_id=post_id, title=f"lake {number % 2}", external_id=name))
                case "delete":
                    store.delete_posts([post_id])
                case _:
                    ids = {"external_id": f"source {post_id}"} if step == "like by name" else {"post_id": post_id}
                    row = {"event_id": str(number), "username": step, "occurred_at_ms": MOMENT, "verb": Verb.LIKE}
                    store.record([NewInteraction(**row | ids)])
        wait_for_posts(world)
        later = LiveLog(lambda: open_store(store.engine.url.render_as_string()))
        with later.followed():
            encoder = Encoder(world.bundle, live=later, live_cache_size=10)
            for name in ("like", "like by name"):
                theirs, ours = encoder.encode_context(name, ""), world.context(name)
                assert ours.seen_post_ids == theirs.seen_post_ids
                assert (ours.user is None) == (theirs.user is None)
                if ours.user is not None and theirs.user is not None:
                    assert ours.user.values.tobytes() == theirs.user.values.tobytes()


def test_two_towers_that_encode_the_same_posts_have_the_same_embeddings_to_the_bit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    bundle = open_bundle(write_bundle(tmp_path / "bundles", MANIFEST, write_files=tiny_files(), sidecar={}))
    towers = [LiveLog(lambda: open_store(url)) for _ in range(2)]
    with open_store(url) as store, towers[0].followed(), towers[1].followed():
        encoders = [Encoder(bundle, live=live, live_cache_size=10) for live in towers]
        for number in range(10):
            content = replace(POST, post_id=1000 + number, title=f"lake {number}", external_id="")
            store.upsert_posts([NewPost(post=content)])
        row = NewInteraction(event_id="1", username="who", occurred_at_ms=MOMENT, verb=Verb.LIKE, post_id=1003)
        store.record([row])
        for live in towers:
            assert live.reach(store.position(), seconds=30)
            assert live.encoding.wait_for(bundle.bundle_id, seconds=30)
        found = []
        for live, encoder in zip(towers, encoders, strict=True):
            assert live.reach(store.position(), seconds=30)
            user = encoder.encode_context("who", "").user
            assert user is not None
            found.append(user.values.tobytes())
        assert found[0] == found[1]
        kept = store.embeddings(bundle.bundle_id)
        entries = [entry for entry in store.entries_after(0).entries if isinstance(entry, PostsEmbedded)]
        assert sorted(each.post_id for each in kept) == list(range(1000, 1010))
        assert sum(len(entry.embeddings) for entry in entries) == 10  # each was kept once


def test_a_later_bundle_is_loaded_once_its_live_posts_have_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    monkeypatch.setenv("MOODFEED_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.setenv("MOODFEED_STORE_URL", url)
    own = Settings()
    live = live_log_of(own)
    assert live is not None
    bundles = []
    for seed in (0, 1):
        manifest = replace(MANIFEST, canaries=())

        def write_files(place: Path, seed: int = seed) -> None:
            tiny_files(seed)(place)
            CanaryEmbeddings(np.zeros((0, 8), dtype=np.float32), np.zeros((0, 8), dtype=np.float32)).write(place)

        bundles.append(open_bundle(write_bundle(own.bundles, manifest, write_files=write_files, sidecar={})))
    with open_store(url) as store, live.followed():
        load = loader(own, live)
        first = load(bundles[0])
        store.upsert_posts([NewPost(post=replace(POST, post_id=1000 + number)) for number in range(20)])
        assert live.reach(store.position(), seconds=30)
        second = load(bundles[1])
        assert len(store.embeddings(second.bundle_id)) == 20
        assert live.encoding.wait_for(first.bundle_id, seconds=30)
        ours, theirs = store.embeddings(first.bundle_id), store.embeddings(second.bundle_id)
        assert [each.text for each in ours] == [each.text for each in theirs]  # of the same mood encoder
