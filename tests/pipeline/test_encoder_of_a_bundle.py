"""The encoder that embedded the posts is the one that a bundle serves moods with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.dataset import DatasetError
from pipeline.embed import TextEmbeddings, encoder_fingerprint, read_text_embeddings, write_text_embeddings
from pipeline.export import export
from tests.mood_spaces import made_up_mood_space
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset
from tests.tiny_bundle import TINY_ENCODER


def test_embeddings_carry_the_fingerprint_of_their_encoder(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.float32)
    write_text_embeddings(
        tmp_path / "texts", TextEmbeddings(np.arange(3), rows, rows, made_up_mood_space(3), "a fingerprint")
    )
    assert read_text_embeddings(tmp_path / "texts").encoder_fingerprint == "a fingerprint"


@pytest.mark.parametrize(
    ("fingerprint", "words"),
    [
        ("0" * 64, "embedded with another encoder than .*encoder: pass that one with --encoder"),
        ("", "do not say which"),
    ],
)
def test_export_with_another_encoder_than_embed_used_is_refused_before_anything_is_written(
    tmp_path: Path, fingerprint: str, words: str
) -> None:
    dataset = replace(tiny_dataset([]), encoder_fingerprint=fingerprint)
    with pytest.raises(DatasetError, match=words):
        export(dataset, None, None, encoder_directory=TINY_ENCODER, bundles=tmp_path / "bundles", sidecar={})
    assert not (tmp_path / "bundles").exists()


def test_a_subset_of_the_data_keeps_the_fingerprint() -> None:
    dataset = replace(tiny_dataset([(0, 0, "view", 1.0)]), encoder_fingerprint=encoder_fingerprint(TINY_ENCODER))
    assert dataset.until(0.5).encoder_fingerprint == dataset.encoder_fingerprint
    with pytest.raises(AttributeError, match="data_fingerprint"):  # the encoder is not what stops it
        export(dataset, None, None, encoder_directory=TINY_ENCODER, bundles=Path("nowhere"), sidecar={})
