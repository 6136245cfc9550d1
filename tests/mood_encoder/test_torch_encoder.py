import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError, default_encoder_directory
from mood_encoder.torch_encoder import TorchEncoder

TEXTS = ["a calm evening by the sea", "", "angry dogs bark", "calm " * 500]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(default_encoder_directory() / name, tmp_path / name)
    return tmp_path


def test_embeddings_are_those_of_transformers_itself() -> None:
    directory = str(default_encoder_directory())
    tokens = AutoTokenizer.from_pretrained(directory)(
        TEXTS, padding=True, truncation=True, max_length=128, return_tensors="pt"
    )
    with torch.inference_mode():
        states = AutoModel.from_pretrained(directory)(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    means = (states * mask).sum(1) / mask.sum(1)
    theirs = torch.nn.functional.normalize(means, dim=1).numpy()
    np.testing.assert_allclose(TorchEncoder(default_encoder_directory()).encode(TEXTS), theirs, atol=1e-5)


def test_neither_order_nor_company_changes_an_embedding() -> None:
    encoder = TorchEncoder(default_encoder_directory())
    together = encoder.encode(TEXTS, batch_size=2)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], together, atol=1e-5)


def test_progress_hears_of_every_text() -> None:
    heard: list[int] = []
    TorchEncoder(default_encoder_directory()).encode(TEXTS, batch_size=3, progress=heard.append)
    assert heard == [3, 1]


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, WEIGHTS])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_missing_or_broken_file_is_named(directory: Path, name: str, is_there: bool) -> None:
    (directory / name).unlink()
    if is_there:
        (directory / name).write_bytes(b"{broken")
    with pytest.raises(TextEncoderError) as caught:
        TorchEncoder(directory)
    assert caught.value.path == directory / name


def test_more_tokens_than_the_bert_has_places_are_refused(directory: Path) -> None:
    with pytest.raises(TextEncoderError, match="3 to 512 tokens"):
        TorchEncoder(directory, max_tokens=513)
