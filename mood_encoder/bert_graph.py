"""A BERT as an ONNX graph, made here from checked arrays: no bundle brings a graph of its own into a process.

It is written in the fused operators of ONNX Runtime, with one product for query, key and value, with pooling and
normalisation inside, and without a mask: texts share a batch only with texts of as many tokens.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from bundle.array_files import Arrays
from mood_encoder.bert_arrays import ACTIVATIONS, BertShape

IDS = "ids"
EMBEDDINGS = "embeddings"

_MICROSOFT = "com.microsoft"
_OPSET, _IR_VERSION = 18, 9  # low ones, so that any runtime of the last years reads them
_STATES_IN_8_BITS = 4  # the accuracy level of a product; at level 0 it is ten times slower


def bert_graph(shape: BertShape, arrays: Arrays) -> bytes:
    """The graph over checked arrays: ``ids`` int64 [texts, tokens] to ``embeddings`` float32 [texts, dimension]."""
    graph = _Graph(shape, arrays)
    states = graph.embed()
    for layer in range(shape.num_hidden_layers):
        states = graph.layer(f"{layer}.", states)
    graph.pool(states)
    return graph.as_bytes()


class _Graph:
    """Nodes and constants; every method adds some and returns the name of what comes out."""

    def __init__(self, shape: BertShape, arrays: Arrays) -> None:
        self._shape = shape
        self._arrays = arrays
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def embed(self) -> str:
        words = self._node("Gather", ["words"], IDS)
        if self._arrays["words"].dtype != np.float32:
            words = self._node("Cast", [], words, to=TensorProto.FLOAT)
        self._constant("first", np.zeros(1, dtype=np.int64))
        self._nodes.append(helper.make_node("Shape", [IDS], ["length"], start=1, end=2))
        positions = self._node("Slice", ["positions"], "first", "length")
        summed = self._node("Add", [], words, positions)
        return self._node(
            "LayerNormalization", [], summed, *self._norm("norm"), axis=-1, epsilon=self._shape.layer_norm_eps
        )

    def layer(self, layer: str, states: str) -> str:
        asked = self._product(f"{layer}query_key_value", states)
        parts = [f"{asked}.{part}" for part in ("query", "key", "value")]
        self._nodes.append(helper.make_node("Split", [asked], parts, axis=-1, num_outputs=3))
        attended = self._fused("MultiHeadAttention", *parts, num_heads=self._shape.num_attention_heads)
        states = self._added(f"{layer}attention_norm", self._product(f"{layer}attended", attended), states)
        inner = self._fused(ACTIVATIONS[self._shape.hidden_act], self._product(f"{layer}up", states))
        return self._added(f"{layer}output_norm", self._product(f"{layer}down", inner), states)

    def pool(self, states: str) -> None:
        self._constant("tokens", np.ones(1, dtype=np.int64))
        # The mean is the sum but for its length, which the normalisation takes away.
        pooled = self._node("LpNormalization", [], self._node("ReduceSum", [], states, "tokens", keepdims=0), axis=-1)
        if "order" in self._arrays:
            self._constant("order", self._arrays["order"])
            pooled = self._node("Gather", [], pooled, "order", axis=-1)
        self._nodes.append(helper.make_node("Identity", [pooled], [EMBEDDINGS]))

    def as_bytes(self) -> bytes:
        ids = helper.make_tensor_value_info(IDS, TensorProto.INT64, ["texts", "tokens"])
        embeddings = helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, ["texts", self._shape.hidden_size])
        graph = helper.make_graph(self._nodes, "bert", [ids], [embeddings], self._constants)
        versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_IR_VERSION)
        content: bytes = model.SerializeToString()
        return content

    def _product(self, name: str, states: str) -> str:
        self._constant(f"{name}.bias", self._arrays[f"{name}.bias"])
        if f"{name}.weight" in self._arrays:
            self._constant(f"{name}.weight", self._arrays[f"{name}.weight"].T)
            return self._node("Add", [], self._node("MatMul", [], states, f"{name}.weight"), f"{name}.bias")
        made, taken = self._shape.products[name.rsplit(".", maxsplit=1)[-1]]
        self._constant(f"{name}.quantised", self._arrays[f"{name}.quantised"])
        self._constant(f"{name}.scales", self._arrays[f"{name}.scales"].reshape(-1))
        return self._fused(
            "MatMulNBits",
            states,
            f"{name}.quantised",
            f"{name}.scales",
            "",  # no zero points: around the middle, 128
            "",
            f"{name}.bias",
            K=taken,
            N=made,
            bits=8,
            block_size=self._arrays[f"{name}.quantised"].shape[-1],
            accuracy_level=_STATES_IN_8_BITS,
        )

    def _added(self, norm: str, change: str, states: str) -> str:
        return self._fused(
            "SkipLayerNormalization", change, states, *self._norm(norm), epsilon=self._shape.layer_norm_eps
        )

    def _norm(self, name: str) -> tuple[str, str]:
        parts = f"{name}.weight", f"{name}.bias"
        for part in parts:
            self._constant(part, self._arrays[part])
        return parts

    def _fused(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self._node(operator, [], *inputs, domain=_MICROSOFT, **attributes)

    def _node(self, operator: str, tables: list[str], *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node that reads ``tables`` of the arrays, then ``inputs``."""
        for table in tables:
            self._constant(table, self._arrays[table])
        output = f"out{len(self._nodes)}"
        node = helper.make_node(operator, [*tables, *inputs], [output], domain=domain, **attributes)
        self._nodes.append(node)
        return output

    def _constant(self, name: str, array: NDArray[np.generic]) -> None:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
