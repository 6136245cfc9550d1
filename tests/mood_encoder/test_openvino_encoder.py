import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError, default_encoder_directory
from mood_encoder.graph_file import GRAPH, GRAPH_WEIGHTS
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import PROOF_TEXTS, full_encoder, write_served_encoder

TEXTS = ["a calm evening by the sea", "", "angry dogs bark", "calm " * 500, "angry cats hiss"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("encoder")
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(default_encoder_directory() / name, directory / name)
    write_served_encoder(directory, full=TorchEncoder(directory))
    return directory


@pytest.fixture(scope="module")
def encoder(served: Path) -> OpenVinoEncoder:
    return OpenVinoEncoder(served)


@pytest.fixture(scope="module")
def full() -> OpenVinoEncoder:
    return full_encoder(default_encoder_directory())


def test_with_full_weights_the_embeddings_are_those_of_torch(full: OpenVinoEncoder) -> None:
    theirs = TorchEncoder(default_encoder_directory()).encode(TEXTS)
    np.testing.assert_allclose(full.encode(TEXTS), theirs, atol=1e-5)


def test_with_8_bits_they_are_near_those_of_torch(encoder: OpenVinoEncoder, served: Path) -> None:
    embeddings = encoder.encode(PROOF_TEXTS)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert (embeddings * TorchEncoder(served).encode(PROOF_TEXTS)).sum(axis=1).min() >= LOWEST_COSINE


@pytest.mark.parametrize("weights", ["encoder", "full"])
def test_neither_order_nor_company_changes_a_bit_of_an_embedding(weights: str, request: pytest.FixtureRequest) -> None:
    encoder: OpenVinoEncoder = request.getfixturevalue(weights)
    texts = [
        *TEXTS,
        *(f"{feeling} tonight" for feeling in ("calm", "angry", "happy", "sad", "bored", "tired", "proud")),
    ]
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    for batch_size in (2, 4, 8):
        np.testing.assert_array_equal(encoder.encode(texts, batch_size=batch_size), alone)
    np.testing.assert_array_equal(encoder.encode(texts[::-1])[::-1], alone)
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


@pytest.mark.parametrize("name", [TOKENIZER, GRAPH, GRAPH_WEIGHTS])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_missing_or_broken_file_is_named(served: Path, tmp_path: Path, name: str, is_there: bool) -> None:
    for file in {TOKENIZER, GRAPH, GRAPH_WEIGHTS} - {name}:
        (tmp_path / file).hardlink_to(served / file)
    if is_there:
        (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(TextEncoderError) as caught:
        OpenVinoEncoder(tmp_path)
    assert caught.value.path == tmp_path / (GRAPH if is_there and name == GRAPH_WEIGHTS else name)


def test_signals_are_handled_after_encoders_have_gone(served: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from mood_encoder.openvino_encoder import OpenVinoEncoder\n"
        "first, second = (OpenVinoEncoder(Path(sys.argv[1])) for _ in range(2))\n"
        "del first, second\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled'))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(served)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "handled"), ended.stderr
