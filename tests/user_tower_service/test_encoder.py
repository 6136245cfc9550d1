import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle.directory import Bundle, current_bundle, open_bundle, write_bundle
from bundle.embedding_space import EmbeddingKind
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError
from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.runtime import Runtime
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.dataset import read_dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.trained_towers import TrainedTowers
from pipeline.workspace import Workspace
from tests.tiny_bundle import MANIFEST, tiny_files
from two_tower.features import PostInputs
from two_tower.numpy_towers import NumpyTowers
from two_tower.torch_towers import TorchTowers
from two_tower.tower_files import TowerArrays
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import ContextCountError, Encoder, MoodTooLongError, PostCountError
from user_tower_service.post_encoder import PostContent


@pytest.fixture(scope="module")
def bundle(small_bundles: Path) -> Bundle:
    return open_bundle(current_bundle(small_bundles))


@pytest.fixture(scope="module")
def encoder(bundle: Bundle) -> Encoder:
    return Encoder(bundle, mood_cache_size=16)


def mood_embedding(encoder: Encoder, mood: str) -> np.ndarray:
    embedding = encoder.encode_context("nobody at all", mood).mood
    assert embedding is not None
    return embedding.values


def test_serving_encodes_every_user_as_training_did(
    encoder: Encoder, bundle: Bundle, small_workspace: Workspace
) -> None:
    dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    towers = TorchTowers.read(bundle)
    trained = TrainedTowers(towers.config, towers.user_tower, towers.post_tower, towers.vocabulary, (), "")
    users = KnownUsers.read(bundle)
    rows = np.searchsorted(dataset.user_ids, users.user_ids)
    expected = encode_users(trained, dataset, encode_posts(trained, dataset), rows)
    for username, embedding in zip(users.usernames, expected, strict=True):
        served = encoder.encode_context(username, "").user
        assert served is not None
        assert served.space.kind == EmbeddingKind.TOWER
        np.testing.assert_allclose(served.values, embedding, atol=2e-5)


@pytest.mark.parametrize("runtime", Runtime)
def test_serving_encodes_a_known_post_as_training_did(
    bundle: Bundle, small_workspace: Workspace, runtime: Runtime
) -> None:
    encoder = Encoder(bundle, mood_cache_size=0, runtime=runtime)
    posts = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    index = IndexPosts.read(bundle)
    row = 5
    post_id = int(index.post_ids[row])
    summary = posts.posts.set_index("post_id").loc[post_id, "summary_text"]
    content = PostContent(post_id, "", summary, int(index.category_ids[row]))
    embedding = encoder.encode_posts([content])[0].tower.values
    # Words in 8 bits move a post a little, never the full ones.
    np.testing.assert_allclose(embedding, index.tower_embeddings[row], atol=1e-4 if runtime is Runtime.TORCH else 1e-2)
    assert embedding @ index.tower_embeddings[row] >= 0.999


def test_a_post_that_training_never_saw_lies_near_posts_of_its_kind(encoder: Encoder) -> None:
    new, same, other = encoder.encode_posts(
        [
            PostContent(-1, "kitten", "A tabby kitten purring on the windowsill beside a ball of yarn", 2),
            PostContent(-2, "cats", "House cats with long whiskers and soft paws", 2),
            PostContent(-3, "rocket", "A rocket leaves the launch pad, the capsule reaches orbit", 2),
        ]
    )
    for space in ("text", "tower"):
        vectors = [getattr(post, space).values for post in (new, same, other)]
        np.testing.assert_allclose([np.linalg.norm(vector) for vector in vectors], 1, atol=1e-5)
        assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_new_post_lies_where_the_index_would_place_one_that_names_no_emotion(encoder: Encoder) -> None:
    post = encoder.encode_posts([PostContent(-1, "ghost", "Something moves in the dark cellar", 2)])[0]
    text = "ghost. Something moves in the dark cellar"
    sentence = TorchEncoder(default_encoder_directory()).encode([post_to_mood_sentence("", text)])[0]
    expected = encoder._moods.reader.place_post("", text, sentence)
    assert post.text.values @ expected >= LOWEST_COSINE
    assert post.text.values @ mood_embedding(encoder, "scary") > post.text.values @ mood_embedding(encoder, "happy")


def test_an_unknown_category_counts_as_none(encoder: Encoder) -> None:
    first, second = encoder.encode_posts([PostContent(-1, "a", "b", 0), PostContent(-1, "a", "b", 99_999)])
    np.testing.assert_allclose(first.tower.values, second.tower.values, atol=1e-6)


def test_an_unknown_user_has_no_embedding_and_has_seen_nothing(encoder: Encoder) -> None:
    context = encoder.encode_context("nobody at all", "calm")
    assert context.user is None
    assert context.seen_post_ids == ()
    assert context.mood is not None


def test_what_a_user_met_is_seen_ascending(encoder: Encoder, bundle: Bundle) -> None:
    users = KnownUsers.read(bundle)
    row = int(np.diff(users.offsets).argmax())
    met = sorted(set(users.post_ids[users.offsets[row] : users.offsets[row + 1]].tolist()))
    assert list(encoder.encode_context(users.usernames[row], "").seen_post_ids) == met
    assert set(met) <= set(HistoryPosts.read(bundle).post_ids.tolist())


@pytest.mark.parametrize("mood", ["", "  ", "\n\t"])
def test_a_blank_mood_is_none(encoder: Encoder, mood: str) -> None:
    assert encoder.encode_context("anybody", mood).mood is None


MOOD_WORDS = ("sad", "laughing", "cool", "bored", "angry", "scared", "calm", "romantic", "excited", "tired", "grateful")


@pytest.mark.parametrize(("symbol", "word"), [("😢", "sad"), ("😂", "laughing"), ("😎", "cool"), ("🥱", "bored")])
def test_an_emoji_lands_near_what_it_means(encoder: Encoder, symbol: str, word: str) -> None:
    words = np.stack([mood_embedding(encoder, item) for item in MOOD_WORDS])
    assert MOOD_WORDS[int(np.argmax(words @ mood_embedding(encoder, symbol)))] == word


def test_the_same_mood_has_the_same_embedding(encoder: Encoder) -> None:
    np.testing.assert_array_equal(mood_embedding(encoder, "calm 😌"), mood_embedding(encoder, "calm 😌"))


def test_limits_are_told(encoder: Encoder) -> None:
    with pytest.raises(MoodTooLongError, match="513"):
        encoder.encode_context("anybody", "x" * 513)
    with pytest.raises(PostCountError):
        encoder.encode_posts([])
    with pytest.raises(PostCountError):
        encoder.encode_posts([PostContent(1, "", "", 0)] * 65)


@pytest.mark.parametrize("runtime", Runtime)
def test_towers_of_another_model_fail_the_canaries(
    bundle: Bundle, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_canaries(Encoder(bundle, mood_cache_size=0, runtime=runtime), bundle)
    read = TowerArrays.read

    def read_others(bundle: Bundle) -> TowerArrays:
        arrays = read(bundle)
        arrays.user_tower["out.bias"] += 1.0
        return arrays

    monkeypatch.setattr(TowerArrays, "read", read_others)
    with pytest.raises(BundleError, match="does not have the embedding that training gave it"):
        check_canaries(Encoder(bundle, mood_cache_size=0, runtime=runtime), bundle)


@pytest.mark.parametrize("runtime", Runtime)
def test_another_mood_encoder_fails_the_canaries(
    bundle: Bundle, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(bundle, mood_cache_size=0, runtime=runtime)
    kind = OpenVinoEncoder if runtime is Runtime.OPENVINO else TorchEncoder
    encode = kind.encode
    monkeypatch.setattr(kind, "encode", lambda self, texts: encode(self, [f"{text} and calm" for text in texts]))
    with pytest.raises(BundleError, match="does not have the embedding that training gave it"):
        check_canaries(encoder, bundle)


def test_both_runtimes_encode_the_same(encoder: Encoder, bundle: Bundle) -> None:
    in_torch = Encoder(bundle, mood_cache_size=0, runtime=Runtime.TORCH)
    for username in KnownUsers.read(bundle).usernames:
        ours, theirs = encoder.encode_context(username, ""), in_torch.encode_context(username, "")
        assert ours.user is not None
        assert theirs.user is not None
        np.testing.assert_allclose(ours.user.values, theirs.user.values, atol=1e-5)
        assert ours.seen_post_ids == theirs.seen_post_ids
    for mood in ("calm", "😂", "so tired of everything", "not sad", "party with friends 🥳"):
        assert mood_embedding(encoder, mood) @ mood_embedding(in_torch, mood) >= LOWEST_COSINE


def test_both_runtimes_embed_posts_the_same_from_the_same_text_vectors(bundle: Bundle) -> None:
    index = IndexPosts.read(bundle)
    known = HistoryPosts.read(bundle).post_ids
    random = np.random.default_rng(0)
    ours, theirs = NumpyTowers.read(bundle), TorchTowers.read(bundle)
    rows = random.integers(-1, len(known), 200)
    posts = PostInputs(
        text=index.text_embeddings[random.integers(0, len(index.posts), 200)].astype(np.float32),
        words=random.integers(0, len(ours.vocabulary) + 1, (200, 16)),
        category_rows=random.integers(0, ours.config.category_count, 200),
        post_rows=rows,
        numeric=ours.known.numeric[rows],
        is_new=rows < 0,
    )
    np.testing.assert_allclose(ours.embed_posts(posts), theirs.embed_posts(posts), atol=1e-6)


def test_what_is_encoded_together_is_to_the_bit_what_is_encoded_alone(encoder: Encoder, bundle: Bundle) -> None:
    known = KnownUsers.read(bundle).usernames
    asked = [
        (known[0], "calm as a lake"),
        ("nobody", "wild and free"),
        (known[1], ""),
        (known[0], "calm as a lake"),
        (known[2], "a long and winding road that leads to your door"),
    ]
    together = encoder.encode_contexts(asked)
    alone = Encoder(bundle, mood_cache_size=0)
    for (username, mood), context in zip(asked, together, strict=True):
        expected = alone.encode_context(username, mood)
        assert context.seen_post_ids == expected.seen_post_ids
        for part in ("user", "mood"):
            embedding, wanted = getattr(context, part), getattr(expected, part)
            assert (embedding is None) == (wanted is None)
            if wanted is not None:
                np.testing.assert_array_equal(embedding.values, wanted.values)


def test_a_mood_that_cannot_be_encoded_takes_no_other_with_it(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(bundle, mood_cache_size=4)
    whole = OpenVinoEncoder.encode

    def break_one(self: OpenVinoEncoder, texts: list[str], **options: int) -> np.ndarray:
        if "cursed" in texts:
            raise RuntimeError("the mood encoder is broken by the test")
        return whole(self, texts, **options)

    monkeypatch.setattr(OpenVinoEncoder, "encode", break_one)
    calm, cursed, blank = encoder.encode_contexts([("nobody", "calm"), ("nobody", "cursed"), ("nobody", " ")])
    assert calm.mood is not None
    assert not calm.mood_unavailable
    assert cursed.mood is None
    assert cursed.mood_unavailable
    assert not blank.mood_unavailable


@pytest.mark.parametrize("runtime", Runtime)
def test_serving_cuts_a_mood_where_the_manifest_says(tmp_path: Path, runtime: Runtime) -> None:
    def encoder_of(max_tokens: int) -> Encoder:
        manifest = replace(MANIFEST, max_tokens=max_tokens)
        directory = write_bundle(tmp_path, manifest, write_files=tiny_files(), sidecar={})
        return Encoder(open_bundle(directory), mood_cache_size=0, runtime=runtime)

    short, long = encoder_of(3), encoder_of(4)  # start and end are tokens too
    np.testing.assert_array_equal(mood_embedding(short, "calm 17"), mood_embedding(short, "calm 18"))
    assert not np.allclose(mood_embedding(long, "calm 17"), mood_embedding(long, "calm"), atol=1e-3)


@pytest.mark.parametrize("count", [0, 65])
def test_a_number_of_contexts_out_of_range_is_refused(encoder: Encoder, count: int) -> None:
    with pytest.raises(ContextCountError, match=f"{count} contexts given, 1 to 64 are allowed"):
        encoder.encode_contexts([("nobody", "calm")] * count)


def test_a_mood_is_encoded_once_for_as_long_as_it_is_remembered(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(bundle, mood_cache_size=2)
    whole = OpenVinoEncoder.encode
    encoded: list[str] = []

    def note(self: OpenVinoEncoder, texts: list[str], **options: int) -> np.ndarray:
        encoded.extend(texts)
        return whole(self, texts, **options)

    monkeypatch.setattr(OpenVinoEncoder, "encode", note)
    encoder.encode_contexts([("nobody", mood) for mood in ("calm", "wild", "calm")])
    encoder.encode_context("nobody", "calm")
    encoder.encode_contexts([("nobody", "brave"), ("nobody", "calm")])
    assert encoded == ["calm", "wild", "brave"]
    encoder.encode_context("nobody", "wild")  # the one that was not asked for the longest made room
    assert encoded == ["calm", "wild", "brave", "wild"]


def test_without_a_cache_every_mood_is_encoded_anew(bundle: Bundle) -> None:
    encoder = Encoder(bundle, mood_cache_size=0)
    for moods in (["calm", "wild"], ["calm"], ["calm"]):
        contexts = encoder.encode_contexts([("nobody", mood) for mood in moods])
        assert all(context.mood is not None for context in contexts)


def test_a_dropped_encoder_leaves_no_memory_behind_without_the_garbage_collector(bundle: Bundle) -> None:
    encoder = Encoder(bundle, mood_cache_size=4)
    encoder.encode_context(KnownUsers.read(bundle).usernames[0], "calm")
    parts = [weakref.ref(part) for part in (encoder, encoder._moods.text_encoder, encoder._moods.text_encoder._model)]
    gc.disable()
    try:
        del encoder
        assert [part() for part in parts] == [None] * 3
    finally:
        gc.enable()
