import re
from pathlib import Path

import numpy as np
import pytest
from openvino import opset15
from tokenizers import Tokenizer

from mood_encoder.encoder_files import TOKENIZER, TextEncoderError
from mood_encoder.graph_file import GRAPH, GRAPH_WEIGHTS, read_graph
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.quiet_openvino import openvino
from tests.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("sound")) / "mood_encoder"


@pytest.fixture
def directory(sound: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    for name in (TOKENIZER, GRAPH, GRAPH_WEIGHTS):
        (tmp_path / name).write_bytes((sound / name).read_bytes())
    return tmp_path


def assert_refused(directory: Path, reason: str, *, max_tokens: int = 128) -> None:
    with pytest.raises(TextEncoderError, match=reason) as caught:
        OpenVinoEncoder(directory, max_tokens=max_tokens)
    assert caught.value.path == directory / GRAPH


def write(directory: Path, result: openvino.Node, *parameters: openvino.Node) -> None:
    openvino.save_model(openvino.Model([result], list(parameters), "other"), directory / GRAPH, compress_to_fp16=False)


@pytest.mark.parametrize(
    ("pattern", "replacement", "reason"),
    [
        ('type="Gelu" version="opset7"', 'type="TopK" version="opset11"', "has the operation TopK of opset11"),
        ('type="Const" version="opset1"', 'type="Broadcast" version="opset3"', "Broadcast 1 has 0 inputs, not 2"),
        (r"\t\t<edge [^\n]*\n", "", "has 1 inputs that nothing feeds"),
        (r'from-layer="\d+"', 'from-layer="9999"', "joins .* does not exist"),
        (r'(<edge .* to-layer="\d+" to-port=")1"', r'\g<1>0"', "is joined twice"),
        ('<layer id="2"', '<layer id="1"', "two operations with the id 1"),
        (r'from-layer="1" from-port="0" to-layer="2"', 'from-layer="2" from-port="1" to-layer="2"', "has a cycle"),
        (r"<net ", "<!DOCTYPE net [<!ENTITY a 'b'>]><net ", "has a declaration"),
        (r"</net>", "", "cannot be read as an OpenVINO graph: no element found"),
        (r'(element_type="f16" shape="8, 8" offset=")0', r"\g<1>99999999", "cannot be read as an OpenVINO graph"),
        (r'shape="\?,\?" element_type="i64"', 'shape="?,?" element_type="f32"', "has inputs and outputs of the types"),
    ],
)
def test_a_graph_that_is_not_whole_is_refused_before_openvino_reads_it(
    directory: Path, pattern: str, replacement: str, reason: str
) -> None:
    path = directory / GRAPH
    changed, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(changed, encoding="utf-8")
    assert_refused(directory, reason)


def test_a_graph_without_all_its_weights_is_refused(directory: Path) -> None:
    path = directory / GRAPH_WEIGHTS
    path.write_bytes(path.read_bytes()[:-1])
    assert_refused(directory, "cannot be read as an OpenVINO graph")


def test_a_graph_of_many_megabytes_is_refused(directory: Path) -> None:
    path = directory / GRAPH
    path.write_bytes(path.read_bytes() + b" " * 2**24)
    assert_refused(directory, "is larger than 16777216 bytes")


def test_a_weight_that_is_not_finite_is_refused(directory: Path) -> None:
    path = directory / GRAPH_WEIGHTS
    content = bytearray(path.read_bytes())
    content[:2] = np.float16(np.nan).tobytes()  # the first weight is of the word embeddings
    path.write_bytes(content)
    assert_refused(directory, "holds a value that is not finite")


def test_the_graph_of_something_else_is_refused(directory: Path) -> None:
    ids = opset15.parameter([-1, -1], np.int64, name="ids")
    write(directory, opset15.convert(ids, "f32"), ids)
    assert_refused(directory, "has inputs and outputs of the types")
    table = opset15.constant(np.eye(8, dtype=np.float32))
    axis = opset15.constant(0)
    write(directory, opset15.gather(table, ids, axis), ids)
    assert_refused(directory, "has inputs and outputs of the types")
    other = opset15.parameter([-1, 8], np.float32)
    write(directory, opset15.add(other, opset15.constant(np.ones(8, dtype=np.float32))), other)
    assert_refused(directory, "has inputs and outputs of the types")
    summed = opset15.reduce_sum(opset15.convert(ids, "f32"), opset15.constant([1]), keep_dims=True)
    write(directory, opset15.multiply(summed, opset15.constant(np.ones((1, 8), dtype=np.float32))), ids)
    assert_refused(directory, "does not look up its tokens")
    write(directory, opset15.reduce_sum(opset15.gather(table, ids, axis), opset15.constant([1])), ids)
    assert_refused(directory, "allows 3 to 0 tokens")


def test_more_tokens_than_the_graph_has_places_are_refused(directory: Path) -> None:
    assert OpenVinoEncoder(directory, max_tokens=128).encode(["calm " * 500]).shape == (1, 8)
    assert_refused(directory, "allows 3 to 128 tokens a text, 129 were asked for", max_tokens=129)


def test_a_tokenizer_with_more_tokens_than_the_graph_is_refused(directory: Path) -> None:
    path = directory / TOKENIZER
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_tokens([f"word{place}" for place in range(8)])
    tokenizer.save(str(path))
    with pytest.raises(TextEncoderError, match="13 tokens, the weights have 8") as caught:
        OpenVinoEncoder(directory)
    assert caught.value.path == path


def test_the_graph_is_read_into_memory_so_that_its_file_may_go(directory: Path) -> None:
    model = read_graph(directory / GRAPH)
    (directory / GRAPH_WEIGHTS).write_bytes(b"")
    assert openvino.Core().compile_model(model, "CPU")
