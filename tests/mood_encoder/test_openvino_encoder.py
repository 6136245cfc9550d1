import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mood_encoder import openvino_encoder
from mood_encoder.bert_arrays import QUANTISED
from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError, default_encoder_directory
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.quantised_bert import write_quantised
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.quantise_encoder import PROOF_TEXTS, quantise_encoder

TEXTS = ["a calm evening by the sea", "", "angry dogs bark", "calm " * 500, "angry cats hiss"]


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("encoder")
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(default_encoder_directory() / name, directory / name)
    write_quantised(directory, directory)
    return directory


@pytest.fixture
def directory(quantised: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(quantised, tmp_path / "encoder"))


@pytest.fixture(scope="module")
def encoder(quantised: Path) -> OpenVinoEncoder:
    return OpenVinoEncoder(quantised)


def test_with_full_weights_the_embeddings_are_those_of_torch() -> None:
    directory = default_encoder_directory()
    theirs = TorchEncoder(directory).encode(TEXTS)
    np.testing.assert_allclose(OpenVinoEncoder(directory, quantised=False).encode(TEXTS), theirs, atol=1e-5)


def test_with_8_bits_they_are_near_those_of_torch(encoder: OpenVinoEncoder, quantised: Path) -> None:
    embeddings = encoder.encode(PROOF_TEXTS)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert (embeddings * TorchEncoder(quantised).encode(PROOF_TEXTS)).sum(axis=1).min() >= LOWEST_COSINE


def test_the_same_bert_gives_the_same_bytes(quantised: Path, tmp_path: Path) -> None:
    assert write_quantised(quantised, tmp_path).read_bytes() == (quantised / QUANTISED).read_bytes()


def test_neither_order_nor_company_changes_an_embedding(encoder: OpenVinoEncoder) -> None:
    together = encoder.encode(TEXTS, batch_size=2)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], together, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_threads_get_what_one_alone_gets(encoder: OpenVinoEncoder) -> None:
    expected = [encoder.encode([text]) for text in TEXTS]
    found: list[list[np.ndarray]] = [[], []]

    def embed(place: int) -> None:
        found[place] = [encoder.encode([text]) for text in TEXTS * 5]

    threads = [threading.Thread(target=embed, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for embeddings in found:
        np.testing.assert_array_equal(embeddings, expected * 5)


def test_progress_hears_of_every_text(encoder: OpenVinoEncoder) -> None:
    heard: list[int] = []
    encoder.encode(TEXTS, batch_size=3, progress=heard.append)
    assert sum(heard) == len(TEXTS)


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, QUANTISED])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_missing_or_broken_file_is_named(directory: Path, name: str, is_there: bool) -> None:
    (directory / name).unlink()
    if is_there:
        (directory / name).write_bytes(b"{broken")
    with pytest.raises(TextEncoderError) as caught:
        OpenVinoEncoder(directory)
    assert caught.value.path == directory / name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hidden_act": "silu"}, "hidden_act is 'silu'"),
        ({"hidden_act": ["gelu"]}, "hidden_act is"),
        ({"num_attention_heads": 7}, "num_attention_heads does not divide"),
        ({"num_hidden_layers": 2**40}, "has .* arrays for 1099511627776 layers"),
        ({"num_hidden_layers": 5}, "does not fit the configuration"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0"),
        ({"model_type": "roberta"}, "is not of a BERT"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"max_position_embeddings": 100}, "allows 3 to 100 tokens"),
    ],
)
def test_a_configuration_of_another_bert_is_refused(directory: Path, change: dict[str, object], reason: str) -> None:
    document = json.loads((directory / CONFIG).read_text())
    (directory / CONFIG).write_text(json.dumps(document | change))
    with pytest.raises(TextEncoderError, match=reason):
        OpenVinoEncoder(directory)


def test_whatever_the_runtime_raises_names_the_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_encoder, "bert_graph", lambda shape, arrays: b"no graph")
    with pytest.raises(TextEncoderError, match="does not give a graph that OpenVINO accepts") as caught:
        OpenVinoEncoder(directory)
    assert caught.value.path == directory / QUANTISED
    assert not isinstance(caught.value.__cause__, TextEncoderError)


def test_an_encoder_that_loses_too_much_in_8_bits_is_not_exported(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = TorchEncoder(directory)
    assert quantise_encoder(directory, full=full) >= LOWEST_COSINE
    weights = load_file(directory / WEIGHTS)
    for name, weight in weights.items():  # one loud weight a row leaves the others of its block no room
        if name.endswith(("attention.self.query.weight", "intermediate.dense.weight", "output.dense.weight")):
            weight[:, ::32] *= 60
    save_file(weights, directory / WEIGHTS)
    with pytest.raises(TextEncoderError, match="loses too much accuracy in 8 bits"):
        quantise_encoder(directory, full=TorchEncoder(directory))
