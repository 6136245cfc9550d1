import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle import file_names
from bundle.directory import Bundle, open_bundle, write_bundle
from bundle.manifest import Manifest
from mood_encoder.encoder_files import TOKENIZER
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.runtime import Runtime
from tests.tiny_bundle import MANIFEST, tiny_files
from user_tower_service.encoder import Encoder
from user_tower_service.mood_memories import MoodMemories


def a_bundle(
    root: Path, *, seed: int = 0, manifest: Manifest = MANIFEST, change: Callable[[Path], None] | None = None
) -> Bundle:
    def write_files(directory: Path) -> None:
        tiny_files(seed)(directory)
        if change is not None:
            change(directory)

    return open_bundle(write_bundle(root, manifest, write_files=write_files, sidecar={}))


def other_tokenizer(directory: Path) -> None:
    path = directory / file_names.MOOD_ENCODER / TOKENIZER
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.fixture
def moods() -> MoodMemories:
    return MoodMemories(4, runtime=Runtime.OPENVINO)


def test_bundles_with_the_same_encoder_share_it_and_what_it_remembers(
    tmp_path: Path, moods: MoodMemories, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (Encoder(a_bundle(tmp_path, seed=seed), moods=moods) for seed in (0, 1))
    before = old.encode_context("ana", "calm")
    monkeypatch.setattr(OpenVinoEncoder, "encode", None)
    after = new.encode_context("ana", "calm")
    assert before.mood is not None
    assert after.mood is not None
    np.testing.assert_array_equal(after.mood.values, before.mood.values)
    assert (before.mood.space, after.mood.space) == (old.text_space, new.text_space)
    assert old.text_space != new.text_space


@pytest.mark.parametrize(
    ("manifest", "change"),
    [(replace(MANIFEST, max_tokens=MANIFEST.max_tokens - 1), None), (MANIFEST, other_tokenizer)],
    ids=["cuts texts elsewhere", "another tokenizer"],
)
def test_an_encoder_that_could_encode_otherwise_is_not_shared(
    tmp_path: Path, moods: MoodMemories, manifest: Manifest, change: Callable[[Path], None] | None
) -> None:
    one = a_bundle(tmp_path)
    other = a_bundle(tmp_path, manifest=manifest, change=change)
    first, second = moods.of(one), moods.of(other)
    assert first is not second
    assert moods.of(one) is first


def test_an_encoder_goes_with_the_last_bundle_that_uses_it(tmp_path: Path, moods: MoodMemories) -> None:
    old, new = (Encoder(a_bundle(tmp_path, seed=seed), moods=moods) for seed in (0, 1))
    shared = weakref.ref(old._moods.text_encoder)
    gc.disable()
    try:
        del old
        assert shared() is new._moods.text_encoder
        del new
        assert shared() is None
    finally:
        gc.enable()
