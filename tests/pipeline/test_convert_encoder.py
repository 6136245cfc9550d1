import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError
from mood_encoder.graph_file import GRAPH, GRAPH_WEIGHTS
from mood_encoder.openvino_encoder import LOWEST_COSINE
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import full_encoder, write_served_encoder
from tests.tiny_bundle import write_tiny_bundle


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A tiny BERT as Hugging Face writes it."""
    source, directory = write_tiny_bundle(tmp_path / "bundles") / "mood_encoder", tmp_path / "encoder"
    directory.mkdir()
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(source / name, directory / name)
    return directory


def test_the_same_bert_gives_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    assert write_served_encoder(directory, full=TorchEncoder(directory)) >= LOWEST_COSINE
    (bundle,) = (tmp_path / "bundles").iterdir()
    for name in (GRAPH, GRAPH_WEIGHTS):
        assert (directory / name).read_bytes() == (bundle / "mood_encoder" / name).read_bytes()


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
    assert write_served_encoder(directory, full=TorchEncoder(directory)) >= LOWEST_COSINE


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
