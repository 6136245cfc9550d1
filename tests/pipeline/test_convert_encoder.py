import json
import shutil
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
from tests.tiny_bundle import write_tiny_bundle


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No graph that another test converted is taken."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A tiny BERT as Hugging Face writes it."""
    source, directory = write_tiny_bundle(tmp_path / "bundles") / "mood_encoder", tmp_path / "encoder"
    directory.mkdir()
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(source / name, directory / name)
    return directory


def test_the_same_bert_gives_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    write_served_encoder(directory, full=TorchEncoder(directory))
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
    directory: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["calm", "a rainy evening"]
    write_served_encoder(directory, full=TorchEncoder(directory))
    first = (directory / GRAPH_WEIGHTS).read_bytes(), full_encoder(directory).encode(texts)
    assert len(list(cache.iterdir())) == 2

    def convert_again(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("pipeline.convert_encoder.converted", convert_again)
    (directory / GRAPH_WEIGHTS).unlink()
    write_served_encoder(directory, full=TorchEncoder(directory))
    assert (directory / GRAPH_WEIGHTS).read_bytes() == first[0]
    np.testing.assert_array_equal(full_encoder(directory).encode(texts), first[1])


def test_a_kept_graph_is_only_of_the_same_encoder(directory: Path) -> None:
    before = full_encoder(directory).encode(["calm"])
    weights = load_file(directory / WEIGHTS)
    name = "embeddings.word_embeddings.weight"
    save_file(weights | {name: weights[name].flip(0).contiguous()}, directory / WEIGHTS)
    assert not np.allclose(full_encoder(directory).encode(["calm"]), before)


def test_an_encoder_is_converted_where_nothing_can_be_kept(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = full_encoder(directory).encode(["calm"])
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    np.testing.assert_array_equal(full_encoder(directory).encode(["calm"]), kept)
    write_served_encoder(directory, full=TorchEncoder(directory))
    assert OpenVinoEncoder(directory).encode(["calm"]).shape == kept.shape
