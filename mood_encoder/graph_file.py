"""The graph of the mood encoder as a bundle holds it, an XML file with its weights beside it: read and checked.

OpenVINO trusts the file: an operation that lacks an input ends the process while it is read, and any operation that
OpenVINO knows is run. So the XML is checked first. It may hold only the operations that the conversion of a BERT makes
(pipeline/convert_encoder.py), each with all its inputs, and no cycle.
"""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from mood_encoder.encoder_files import TextEncoderError
from mood_encoder.quiet_openvino import openvino

GRAPH = "model_int8.xml"
GRAPH_WEIGHTS = "model_int8.bin"

_LARGEST_GRAPH = 16 * 2**20  # bytes of XML; the default encoder has 0.3 MB
_INPUTS = {
    ("Add", "opset1"): 2,
    ("Broadcast", "opset3"): 2,
    ("Concat", "opset1"): 4,
    ("Const", "opset1"): 0,
    ("Convert", "opset1"): 1,
    ("Divide", "opset1"): 2,
    ("Gather", "opset8"): 3,
    ("GatherElements", "opset6"): 2,
    ("Gelu", "opset7"): 1,
    ("GreaterEqual", "opset1"): 2,
    ("MVN", "opset6"): 2,
    ("MatMul", "opset1"): 2,
    ("Maximum", "opset1"): 2,
    ("Multiply", "opset1"): 2,
    ("Parameter", "opset1"): 0,
    ("Range", "opset4"): 3,
    ("ReduceL2", "opset4"): 2,
    ("ReduceMax", "opset1"): 2,
    ("ReduceSum", "opset1"): 2,
    ("ReLU", "opset1"): 1,
    ("Reshape", "opset1"): 2,
    ("Result", "opset1"): 1,
    ("ScaledDotProductAttention", "opset13"): 5,
    ("ShapeOf", "opset3"): 1,
    ("Slice", "opset8"): 5,
    ("Subtract", "opset1"): 2,
    ("Swish", "opset4"): 1,
    ("Tanh", "opset1"): 1,
    ("Transpose", "opset1"): 2,
    ("Unsqueeze", "opset1"): 2,
}
"""A converted BERT's operations and the number of their inputs; none reads a file, keeps a state or holds a graph."""


def read_graph(path: Path) -> openvino.Model:
    """Read the graph at ``path`` and the ``.bin`` beside it, into memory; TextEncoderError if they are not usable.

    A mapped file that is truncated later would end the process.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_GRAPH + 1)
        _check_structure(path, content)
        model = openvino.Core().read_model(content, path.with_suffix(".bin").read_bytes())
    except TextEncoderError:
        raise
    except Exception as error:
        raise TextEncoderError(path, f"cannot be read as an OpenVINO graph: {error}") from error
    check_graph(path, model)
    return model


def check_graph(path: Path, model: openvino.Model) -> None:
    """TextEncoderError unless int64 [texts, tokens] becomes float32 [texts, dimension], with finite weights."""
    types = [port.get_element_type().get_type_name() for port in (*model.inputs, *model.outputs)]
    shapes = [port.get_partial_shape() for port in (*model.inputs, *model.outputs)]
    if types != ["i64", "f32"] or str(shapes[0]) != "[?,?]" or dimension(model) < 1:
        raise TextEncoderError(
            path,
            f"has inputs and outputs of the types {types} and shapes {[str(shape) for shape in shapes]}, "
            "expected int64 [texts, tokens] and float32 [texts, dimension]",
        )
    if vocabulary_size(model) < 1:
        raise TextEncoderError(path, "does not look up its tokens in a table of word embeddings")
    for operation in model.get_ops():
        if (
            operation.get_type_name() == "Constant"
            and operation.get_element_type().is_real()
            and not np.isfinite(operation.data).all()
        ):
            raise TextEncoderError(path, f"{operation.get_friendly_name()} holds a value that is not finite")


def dimension(model: openvino.Model) -> int:
    """The length of an embedding; 0 if the graph does not fix it."""
    shape = model.outputs[0].get_partial_shape()
    is_matrix = shape.rank.is_static and len(shape) == 2 and shape[1].is_static
    return int(shape[1].get_length()) if is_matrix else 0


def vocabulary_size(model: openvino.Model) -> int:
    """The number of tokens that have an embedding; 0 if the graph looks none up.

    OpenVINO does not refuse a token outside the table, so the tokenizer must not give one.
    """
    lookups = [operation for operation in model.get_ops() if operation.get_type_name() == "Gather"]
    return min(
        (
            int(lookup.input_value(0).get_partial_shape()[0].get_length())
            for lookup in lookups
            if [_source(lookup.input_value(place)) for place in (0, 1)] == ["Constant", "Parameter"]
        ),
        default=0,
    )


def longest_text(model: openvino.Model) -> int:
    """The number of tokens that have a position; 0 if the graph has no positions. OpenVINO does not refuse more."""
    slices = [operation for operation in model.get_ops() if operation.get_type_name() == "Slice"]
    tables = [operation.input_value(0) for operation in slices if _source(operation.input_value(0)) == "Constant"]
    return min((int(table.get_partial_shape()[-1].get_length()) for table in tables), default=0)


def _source(value: openvino.Output) -> str:
    """The type of the operation that a value comes from, apart from conversions and the scale of 8-bit weights."""
    operation = value.get_node()
    while operation.get_type_name() in {"Convert", "Multiply", "Subtract"}:
        operation = operation.input_value(0).get_node()
    return str(operation.get_type_name())


def _check_structure(path: Path, content: bytes) -> None:
    """Check the XML by itself: known operations, every input fed by one output that exists, no cycle."""
    if len(content) > _LARGEST_GRAPH:
        raise TextEncoderError(path, f"is larger than {_LARGEST_GRAPH} bytes: not the graph of a BERT")
    if b"<!" in content:  # entities, which expand, and whatever else a graph does not need
        raise TextEncoderError(path, "has a declaration or a comment, which no converted graph has")
    net = ET.fromstring(content)  # noqa: S314 - without declarations it holds nothing that expands
    inputs: set[tuple[str | None, str | None]] = set()
    outputs: set[tuple[str | None, str | None]] = set()
    names: set[str | None] = set()
    for layer in net.iterfind("layers/layer"):
        name, operation = layer.get("id"), (layer.get("type", ""), layer.get("version", ""))
        if operation not in _INPUTS:
            raise TextEncoderError(path, f"has the operation {' of '.join(operation)}, which the encoder does not run")
        ports = {(name, port.get("id")) for port in layer.iterfind("input/port")}
        if len(ports) != _INPUTS[operation]:
            raise TextEncoderError(path, f"{operation[0]} {name} has {len(ports)} inputs, not {_INPUTS[operation]}")
        if name in names:
            raise TextEncoderError(path, f"has two operations with the id {name}")
        names.add(name)
        inputs |= ports
        outputs |= {(name, port.get("id")) for port in layer.iterfind("output/port")}
    order: TopologicalSorter[str | None] = TopologicalSorter()
    for edge in net.iterfind("edges/edge"):
        source, target = ((edge.get(f"{end}-layer"), edge.get(f"{end}-port")) for end in ("from", "to"))
        if source not in outputs or target not in inputs:
            raise TextEncoderError(path, f"joins {source} to {target}: one of them does not exist, or is joined twice")
        inputs.remove(target)
        order.add(target[0], source[0])
    if inputs:
        raise TextEncoderError(path, f"has {len(inputs)} inputs that nothing feeds")
    try:
        order.prepare()
    except CycleError as error:
        raise TextEncoderError(path, f"has a cycle: {error.args[1]}") from error
