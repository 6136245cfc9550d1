import sqlite3
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_reader import MoodReader
from mood_encoder.runtime import Runtime
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.embed import TextEmbeddings, TextEmbeddingsError, embed_posts, read_text_embeddings, write_text_embeddings
from pipeline.tables import read_posts
from pipeline.workspace import Workspace
from tests.mood_spaces import made_up_mood_space


@pytest.fixture
def embed(small_workspace: Workspace, tmp_path: Path):
    """Embed the small world again, over a copy of its cache."""
    cache = tmp_path / "cache.sqlite"
    cache.write_bytes(small_workspace.text_cache.read_bytes())

    def run(progress=None, runtime=Runtime.OPENVINO, half_precision=False, clean=small_workspace.clean):
        return embed_posts(
            clean,
            cache,
            tmp_path / "embeddings.safetensors",
            encoder_directory=default_encoder_directory(),
            runtime=runtime,
            half_precision=half_precision,
            progress=progress,
        )

    return run


def forget(cache: Path, count: int) -> None:
    """Forget the first embeddings, which are those of posts; then come the words of the tables of moods."""
    with sqlite3.connect(cache) as connection:
        connection.execute(
            "DELETE FROM embeddings WHERE rowid IN (SELECT rowid FROM embeddings ORDER BY rowid LIMIT ?)", (count,)
        )
    connection.close()


def test_each_post_has_the_embedding_of_its_own_text(small_workspace: Workspace) -> None:
    posts = read_posts(small_workspace.clean).sort_values("post_id", ignore_index=True)
    texts = read_text_embeddings(small_workspace.text_embeddings)
    assert texts.post_ids.tolist() == posts["post_id"].tolist()
    some = [0, len(posts) // 2, len(posts) - 1]
    expected = TorchEncoder(default_encoder_directory()).encode([posts["summary_text"][row] for row in some])
    np.testing.assert_allclose(texts.embeddings[some], expected, atol=1e-5)


def test_the_mood_of_a_post_is_that_of_its_emotions_else_of_its_summary_else_none(
    small_workspace: Workspace, tmp_path: Path
) -> None:
    posts = (
        read_posts(small_workspace.clean)
        .head(3)
        .assign(mood_text=["dread, terror", "", ""], summary_text=["rolling dice", "a quiet lake", ""])
    )
    posts.to_parquet(tmp_path / "posts.parquet")
    output = tmp_path / "embeddings.safetensors"
    embed_posts(tmp_path, tmp_path / "cache.sqlite", output, encoder_directory=default_encoder_directory())
    texts = read_text_embeddings(output)
    reader = MoodReader(TorchEncoder(default_encoder_directory()), texts.mood_space)
    closeness = np.stack([texts.mood_embeddings @ meant.vector for meant in reader.read(["scary", "calm"])], axis=1)
    assert closeness[0, 0] > closeness[1, 0]
    assert closeness[1, 1] > closeness[0, 1]
    assert not texts.mood_embeddings[2].any()
    assert np.linalg.norm(texts.embeddings, axis=1) == pytest.approx(1, abs=1e-4)


def test_torch_gives_the_same_embeddings(embed, small_workspace: Workspace, tmp_path: Path) -> None:
    forget(tmp_path / "cache.sqlite", 10)
    assert embed(runtime=Runtime.TORCH).embedded == 10
    before = read_text_embeddings(small_workspace.text_embeddings)
    after = read_text_embeddings(tmp_path / "embeddings.safetensors")
    np.testing.assert_allclose(after.embeddings, before.embeddings, atol=1e-5)
    np.testing.assert_allclose(after.mood_embeddings, before.mood_embeddings, atol=1e-5)


def test_a_rerun_embeds_only_what_is_new(embed, small_workspace: Workspace, tmp_path: Path) -> None:
    assert embed().embedded == 0
    forget(tmp_path / "cache.sqlite", 5)
    heard: list[tuple[int, int]] = []
    report = embed(lambda done, total: heard.append((done, total)))
    assert report.embedded == 5
    assert heard == [(5, 5)]
    before = read_text_embeddings(small_workspace.text_embeddings)
    after = read_text_embeddings(tmp_path / "embeddings.safetensors")
    np.testing.assert_allclose(after.embeddings, before.embeddings, atol=1e-5)


def test_a_crash_keeps_the_batches_done_and_writes_no_file(
    embed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.embed._TEXTS_AT_ONCE", 8)
    forget(tmp_path / "cache.sqlite", 12)

    def crash(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(crash)
    assert not (tmp_path / "embeddings.safetensors").exists()
    assert embed().embedded == 12 - 8


def test_what_is_no_file_of_embeddings_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.safetensors"
    with pytest.raises(TextEmbeddingsError, match="moodfeed embed"):
        read_text_embeddings(path)
    path.write_bytes(b"broken")
    with pytest.raises(TextEmbeddingsError, match="cannot be read"):
        read_text_embeddings(path)
    save_file({"post_ids": np.arange(2), "embeddings": np.eye(2, dtype=np.float32)}, path)
    with pytest.raises(TextEmbeddingsError, match="mood_embeddings"):
        read_text_embeddings(path)
    unit, spoilt = np.eye(2, dtype=np.float32), np.full((2, 2), np.nan, dtype=np.float32)
    for embeddings, moods in ((spoilt, unit), (unit, spoilt), (np.zeros_like(unit), unit)):
        write_text_embeddings(path, TextEmbeddings(np.arange(2), embeddings, moods, made_up_mood_space(2)))
        with pytest.raises(TextEmbeddingsError, match="unit vectors"):
            read_text_embeddings(path)


def test_half_precision_is_near_and_is_not_mistaken_for_full_precision(
    embed, small_workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "few").mkdir()
    read_posts(small_workspace.clean).head(25).to_parquet(tmp_path / "few" / "posts.parquet")
    embed = partial(embed, clean=tmp_path / "few")
    full = embed()
    whole = read_text_embeddings(tmp_path / "embeddings.safetensors")
    halved = embed(half_precision=True)
    assert full.reused
    assert (full.embedded, halved.embedded, halved.reused) == (0, full.reused, 0)
    near = read_text_embeddings(tmp_path / "embeddings.safetensors")
    assert (near.embeddings * whole.embeddings).sum(axis=1).min() > 0.999
    assert embed().embedded == 0
    np.testing.assert_array_equal(
        read_text_embeddings(tmp_path / "embeddings.safetensors").embeddings, whole.embeddings
    )
    with pytest.raises(ValueError, match="needs the OpenVINO runtime"):
        embed(half_precision=True, runtime=Runtime.TORCH)
