"""Each thing that a sentence-transformers directory can ask for is done, or refused with its file and its name."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mood_encoder.encoder_files import MAX_TOKENS, TextEncoderError, default_encoder_directory, encoder_files
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.sentence_transformers_files import check_modules, max_tokens_of
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import full_encoder, write_served_encoder
from pipeline.embed import encoder_fingerprint
from tests.tiny_bundle import TINY_ENCODER

KINDS = "sentence_transformers.models."
PLAIN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A tiny BERT as sentence-transformers saves one."""
    place = tmp_path / "encoder"
    shutil.copytree(TINY_ENCODER, place)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write(place, "modules.json", [{"path": path, "type": KINDS + kind} for path, kind in modules])
    write(place, "1_Pooling/config.json", {"word_embedding_dimension": 8, **PLAIN})
    return place


def write(directory: Path, name: str, content: object) -> None:
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps(content), encoding="utf-8")


def add_module(directory: Path, kind: str, path: str = "3_More") -> None:
    modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    write(directory, "modules.json", [*modules, {"path": path, "type": kind}])


def test_a_mean_over_all_tokens_is_what_is_done(directory: Path) -> None:
    texts = ["calm", "happy calm happy"]
    np.testing.assert_array_equal(TorchEncoder(directory).encode(texts), TorchEncoder(TINY_ENCODER).encode(texts))
    check_modules(default_encoder_directory())


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode": "mean"},
        {"pooling_mode": ["mean"], "include_prompt": True},
        {**PLAIN, "pooling_mode_weightedmean_tokens": False, "pooling_mode_lasttoken": False},
    ],
)
def test_every_form_of_mean_pooling_is_read(directory: Path, pooling: dict[str, object]) -> None:
    write(directory, "1_Pooling/config.json", pooling)
    check_modules(directory)


@pytest.mark.parametrize(
    ("pooling", "named"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls, mean"),
        ({"pooling_mode_weightedmean_tokens": True}, "weightedmean"),
        ({"pooling_mode_lasttoken": True}, "lasttoken"),
        ({"pooling_mode": ["mean", "max"]}, "max, mean"),
        ({}, "no pooling"),
    ],
)
def test_other_pooling_is_refused_by_name(directory: Path, pooling: dict[str, object], named: str) -> None:
    write(directory, "1_Pooling/config.json", pooling)
    with pytest.raises(TextEncoderError, match=f"pooling_mode: asks for {named}, one of") as caught:
        TorchEncoder(directory)
    assert caught.value.path == directory / "1_Pooling" / "config.json"


@pytest.mark.parametrize("kind", ["Dense", "LayerNorm", "LSTM", "CNN", "Dropout", "StaticEmbedding", "custom.Module"])
def test_another_module_is_refused_by_name(directory: Path, kind: str) -> None:
    add_module(directory, KINDS + kind)
    with pytest.raises(TextEncoderError, match=rf"has the module '{kind.rpartition('.')[2]}', which is not supported"):
        TorchEncoder(directory)


def test_modules_in_another_order_or_place_are_refused(directory: Path) -> None:
    write(directory, "modules.json", [{"path": "", "type": KINDS + "Transformer"}])
    with pytest.raises(TextEncoderError, match="has the modules Transformer, not"):
        TorchEncoder(directory)
    write(directory, "modules.json", [{"path": "0_Transformer", "type": KINDS + "Transformer"}])
    with pytest.raises(TextEncoderError, match="has its BERT in 0_Transformer"):
        TorchEncoder(directory)


@pytest.mark.parametrize(
    ("prompts", "name", "prompt"),
    [
        ({"query": "", "document": ""}, None, ""),
        ({"query": "happy ", "document": "calm "}, None, "happy "),
        ({"query": "happy ", "document": "calm "}, "document", "calm "),
        ({"classification": "happy "}, None, ""),
    ],
)
def test_the_default_prompt_or_that_of_queries_is_put_before_every_text_in_both_runtimes(
    directory: Path, prompts: dict[str, str], name: str | None, prompt: str
) -> None:
    fields = {"prompts": prompts, "default_prompt_name": name}
    write(directory, "config_sentence_transformers.json", fields)
    expected = TorchEncoder(TINY_ENCODER).encode([f"{prompt}calm"])
    np.testing.assert_array_equal(TorchEncoder(directory).encode(["calm"]), expected)
    np.testing.assert_allclose(full_encoder(directory).encode(["calm"]), expected, atol=1e-5)
    assert (encoder_fingerprint(directory) != encoder_fingerprint(TINY_ENCODER)) == bool(prompt)


def test_a_default_prompt_that_is_not_there_is_refused(directory: Path) -> None:
    write(directory, "config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": "query"})
    with pytest.raises(TextEncoderError, match="field default_prompt_name: is 'query', which is not one"):
        TorchEncoder(directory)


@pytest.mark.parametrize("pooling", ["cls", "max"])
def test_pooling_of_one_token_or_of_the_greatest_is_the_same_in_both_runtimes_and_in_a_bundle(
    directory: Path, pooling: str
) -> None:
    write(directory, "1_Pooling/config.json", {"pooling_mode": pooling})
    texts = ["calm happy", "happy"]
    full = TorchEncoder(directory)
    embeddings = full.encode(texts)
    assert np.abs(embeddings - TorchEncoder(TINY_ENCODER).encode(texts)).max() > 1e-3
    np.testing.assert_allclose(full_encoder(directory).encode(texts), embeddings, atol=1e-5)
    np.testing.assert_allclose(full.encode(["happy"]), embeddings[1:], atol=1e-6)  # padding does not count
    served = directory / "served"
    served.mkdir()
    for file in encoder_files(directory):
        shutil.copyfile(file, served / file.name)
    write_served_encoder(served, full=full)
    assert (OpenVinoEncoder(served).encode(texts) * embeddings).sum(axis=1).min() > 0.99
    np.testing.assert_array_equal(TorchEncoder(served).encode(texts), embeddings)


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
def test_another_similarity_than_the_cosine_is_refused(directory: Path, similarity: str) -> None:
    for same in (None, "cosine", "dot"):
        write(directory, "config_sentence_transformers.json", {"similarity_fn_name": same})
        TorchEncoder(directory)
    write(directory, "config_sentence_transformers.json", {"similarity_fn_name": similarity})
    with pytest.raises(TextEncoderError, match=f"similarity_fn_name: is '{similarity}'"):
        TorchEncoder(directory)


def test_lower_casing_before_the_tokenizer_is_refused(directory: Path) -> None:
    write(directory, "sentence_bert_config.json", {"do_lower_case": True})
    with pytest.raises(TextEncoderError, match="field do_lower_case"):
        TorchEncoder(directory)


def test_a_model_for_shorter_texts_cuts_them_there_in_both_runtimes(directory: Path) -> None:
    write(directory, "sentence_bert_config.json", {"max_seq_length": 5})
    encoder = TorchEncoder(directory)
    assert (encoder.max_tokens, full_encoder(directory).max_tokens) == (5, 5)
    long, cut = encoder.encode(["calm happy calm happy happy", "calm happy calm"])
    np.testing.assert_allclose(long, cut, atol=1e-6)
    assert encoder_fingerprint(directory) != encoder_fingerprint(TINY_ENCODER)
    write(directory, "sentence_bert_config.json", {"max_seq_length": 512})
    assert max_tokens_of(directory) == MAX_TOKENS


@pytest.mark.parametrize("content", ["{broken", "[]", '{"max_seq_length": "long"}', '{"max_seq_length": 0}'])
def test_a_broken_file_is_named(directory: Path, content: str) -> None:
    path = directory / "sentence_bert_config.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TextEncoderError) as caught:
        TorchEncoder(directory)
    assert caught.value.path == path


@pytest.mark.parametrize("content", ["{broken", "{}", "[1]"])
def test_broken_modules_are_named(directory: Path, content: str) -> None:
    (directory / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(TextEncoderError, match=r"modules\.json"):
        TorchEncoder(directory)
