import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError
from mood_encoder.graph_file import GRAPH, GRAPH_WEIGHTS
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import full_encoder, lowest_cosine, write_served_encoder
from pipeline.converted_graphs import VARIABLE
from tests.tiny_bundle import TINY_ENCODER


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No graph that another test converted is taken."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


def tiny_encoder(directory: Path) -> Path:
    """A tiny BERT as Hugging Face writes it."""
    directory.mkdir()
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(TINY_ENCODER / name, directory / name)
    return directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tiny_encoder(tmp_path / "encoder")


@dataclass(frozen=True, slots=True)
class Converted:
    """The tiny BERT with its 8-bit graph, the cache of both its graphs, and what the full one gives."""

    directory: Path
    cache: Path
    embeddings: np.ndarray


TEXTS = ["calm", "a rainy evening"]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    root = tmp_path_factory.mktemp("converted")
    directory = tiny_encoder(root / "encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(root / "cache"))
        write_served_encoder(directory, full=TorchEncoder(directory))
        return Converted(directory, root / "cache", full_encoder(directory).encode(TEXTS))


def test_the_same_bert_gives_the_same_bytes(converted: Converted) -> None:
    for name in (GRAPH, GRAPH_WEIGHTS):
        assert (converted.directory / name).read_bytes() == (TINY_ENCODER / name).read_bytes()


def test_an_encoder_that_loses_too_much_in_8_bits_is_not_exported(directory: Path) -> None:
    weights = load_file(directory / WEIGHTS)
    generator = torch.Generator().manual_seed(0)
    for name, weight in weights.items():  # one loud weight a row leaves the others no steps
        if name.endswith(("dense.weight", "value.weight")):
            weight[:] = torch.randn(weight.shape, generator=generator)
            weight[:, 0] = 3000
    save_file(weights, directory / WEIGHTS)
    with pytest.raises(TextEncoderError, match="loses too much accuracy in 8 bits") as caught:
        write_served_encoder(directory, full=TorchEncoder(directory))
    assert caught.value.path == directory / GRAPH


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_a_bert_with_another_activation_is_served(directory: Path, activation: str) -> None:
    document = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    (directory / CONFIG).write_text(json.dumps(document | {"hidden_act": activation}), encoding="utf-8")
    full = TorchEncoder(directory)
    write_served_encoder(directory, full=full)
    assert lowest_cosine(OpenVinoEncoder(directory), full)[0] >= LOWEST_COSINE


def test_a_bert_that_openvino_cannot_run_as_one_is_refused_at_export(directory: Path) -> None:
    document = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    (directory / CONFIG).write_text(json.dumps(document | {"hidden_act": "relu6"}), encoding="utf-8")
    with pytest.raises(TextEncoderError, match="has the operation Clamp of opset1, which the encoder does not run"):
        write_served_encoder(directory, full=TorchEncoder(directory))


def test_what_transformers_cannot_export_names_the_bert(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("a branch that depends on data")

    monkeypatch.setattr(torch.export, "export", refuse)
    with pytest.raises(TextEncoderError, match="cannot convert this BERT: a branch that depends on data") as caught:
        full_encoder(directory)
    assert caught.value.path == directory


def test_a_kept_graph_gives_the_same_bytes_without_a_conversion(
    converted: Converted, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(list((converted.cache / "encoders").iterdir())) == 2

    def convert_again(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setenv(VARIABLE, str(converted.cache))
    monkeypatch.setattr("pipeline.convert_encoder.converted", convert_again)
    write_served_encoder(directory, full=TorchEncoder(directory))
    assert (directory / GRAPH_WEIGHTS).read_bytes() == (converted.directory / GRAPH_WEIGHTS).read_bytes()
    np.testing.assert_array_equal(full_encoder(directory).encode(TEXTS), converted.embeddings)


def test_a_kept_graph_is_only_of_the_same_encoder(
    converted: Converted, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(shutil.copytree(converted.cache, tmp_path / "cache")))
    weights = load_file(directory / WEIGHTS)
    name = "embeddings.word_embeddings.weight"
    save_file(weights | {name: weights[name].flip(0).contiguous()}, directory / WEIGHTS)
    assert not np.allclose(full_encoder(directory).encode(TEXTS), converted.embeddings)


def test_an_encoder_is_converted_where_nothing_can_be_kept(
    converted: Converted, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    np.testing.assert_array_equal(full_encoder(directory).encode(TEXTS), converted.embeddings)
    write_served_encoder(directory, full=TorchEncoder(directory))
    assert OpenVinoEncoder(directory).encode(TEXTS).shape == converted.embeddings.shape
