from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mood_encoder.encoder_files import TOKENIZER, default_encoder_directory, read_tokenizer
from mood_encoder.openvino_encoder import LOWEST_COSINE
from mood_encoder.quiet_openvino import openvino
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import CONVERTED, compressed, converted, write_model
from pipeline.quantise_encoder import PROOF_TEXTS

pytest.importorskip("nncf", reason="a prototype: NNCF is not a dependency")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # torch.export's own

Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]


@pytest.fixture(scope="module")
def full() -> TorchEncoder:
    return TorchEncoder(default_encoder_directory())


@pytest.fixture(scope="module")
def path(full: TorchEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("converted") / CONVERTED
    write_model(compressed(converted(full._bert)), path)
    return path


@pytest.fixture(scope="module")
def embed(path: Path) -> Embed:
    properties = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 32}
    request = openvino.Core().compile_model(path, "CPU", properties).create_infer_request()
    return lambda ids: request.infer({0: ids})[0].copy()


def test_the_converted_encoder_is_near_the_full_one(embed: Embed, full: TorchEncoder) -> None:
    tokenizer = read_tokenizer(default_encoder_directory() / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    found = np.concatenate([embed(np.array([tokenizer.encode(text).ids])) for text in PROOF_TEXTS])
    assert (found * full.encode(PROOF_TEXTS, batch_size=1)).sum(axis=1).min() >= LOWEST_COSINE


def test_an_embedding_is_the_same_to_the_bit_alone_and_in_a_batch(embed: Embed) -> None:
    ids = np.random.default_rng(0).integers(1000, 20000, size=(8, 9))
    assert np.array_equal(embed(ids), np.concatenate([embed(row[None]) for row in ids]))


def test_converting_twice_gives_the_same_bytes(path: Path, full: TorchEncoder, tmp_path: Path) -> None:
    again = tmp_path / CONVERTED
    write_model(compressed(converted(full._bert)), again)
    for suffix in (".xml", ".bin"):
        assert again.with_suffix(suffix).read_bytes() == path.with_suffix(suffix).read_bytes()
