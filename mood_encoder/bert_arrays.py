"""The arrays that a BERT is made of, checked against its configuration; free of torch and of transformers."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from bundle.array_files import Arrays, read_any_arrays
from bundle.manifest import BundleError
from mood_encoder.encoder_files import TextEncoderError

QUANTISED = "model_int8.safetensors"
ACTIVATIONS = {"gelu": "Gelu", "gelu_new": "FastGelu", "gelu_pytorch_tanh": "FastGelu"}
"""Names in a configuration, and the operators of ONNX Runtime."""

BLOCK = 32
"""Weights that share a scale, and numbers of a state that do; scripts/measure_encoder.py compares 16 to 128."""

_PRODUCTS = ("query_key_value", "attended", "up", "down")
_NORMS = ("attention_norm", "output_norm")
_EMBEDDINGS = ("word_embeddings", "position_embeddings", "token_type_embeddings")
_NAMES_IN_FILE = {
    "attended": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "output_norm": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class BertShape:
    """What ``config.json`` says of a BERT; what it leaves out is as in the BERT of the paper (Devlin et al. 2018)."""

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check the configuration; TextEncoderError names the field that is not of a BERT known here."""
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise TextEncoderError(path, f"cannot be read as a BERT configuration: {error}") from error
        if not isinstance(document, dict) or document.get("model_type") != "bert":
            raise TextEncoderError(path, "is not of a BERT (model_type bert)")
        shape = cls(**{field.name: document[field.name] for field in fields(cls) if field.name in document})
        for field in fields(cls):
            value = getattr(shape, field.name)
            if field.type is int and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise TextEncoderError(path, f"{field.name} is {value!r}, not a number of at least 1")
        if shape.hidden_act not in tuple(ACTIVATIONS):  # a tuple: the value may be of any type
            raise TextEncoderError(path, f"hidden_act is {shape.hidden_act!r}, only {', '.join(ACTIVATIONS)} are run")
        epsilon = shape.layer_norm_eps
        if not isinstance(epsilon, float) or not 0 < epsilon < 1:
            raise TextEncoderError(path, f"layer_norm_eps is {epsilon!r}, not a number between 0 and 1")
        if document.get("position_embedding_type", "absolute") != "absolute":
            raise TextEncoderError(path, "position_embedding_type is not absolute")
        if shape.hidden_size % shape.num_attention_heads:
            raise TextEncoderError(path, "num_attention_heads does not divide hidden_size")
        return shape

    @property
    def products(self) -> Mapping[str, tuple[int, int]]:
        """Of each product of a layer the numbers that it makes and takes."""
        hidden, inner = self.hidden_size, self.intermediate_size
        return dict(
            zip(_PRODUCTS, ((3 * hidden, hidden), (hidden, hidden), (inner, hidden), (hidden, inner)), strict=True)
        )


def array_shapes(shape: BertShape, *, is_quantised: bool) -> Iterator[tuple[str, type[np.generic], tuple[int, ...]]]:
    """Every array of a graph: name, dtype, shape.

    Quantised, a weight is uint8 [made, blocks, BLOCK] around 128 with float32 scales [made, blocks], the words are
    float16, and ``order`` int64 [hidden] says where each number of an embedding stands in the states.
    """
    hidden, length = shape.hidden_size, shape.max_position_embeddings
    yield "words", np.float16 if is_quantised else np.float32, (shape.vocab_size, hidden)
    yield "positions", np.float32, (length, hidden)
    norms = ["norm", *(f"{layer}.{name}" for layer in range(shape.num_hidden_layers) for name in _NORMS)]
    for name in norms:
        yield f"{name}.weight", np.float32, (hidden,)
        yield f"{name}.bias", np.float32, (hidden,)
    for layer in range(shape.num_hidden_layers):
        for name, (made, taken) in shape.products.items():
            yield f"{layer}.{name}.bias", np.float32, (made,)
            if is_quantised:
                blocks = math.ceil(taken / BLOCK)
                yield f"{layer}.{name}.quantised", np.uint8, (made, blocks, BLOCK)
                yield f"{layer}.{name}.scales", np.float32, (made, blocks)
            else:
                yield f"{layer}.{name}.weight", np.float32, (made, taken)
    if is_quantised:
        yield "order", np.int64, (hidden,)


def read_arrays(path: Path) -> Arrays:
    """Read ``model.safetensors`` as a graph takes it: query, key and value in one; TextEncoderError."""
    tensors = {
        name: tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor
        for name, tensor in read_tensors(path).items()
    }
    arrays: Arrays = {}
    try:
        embeddings = {name: tensors[f"embeddings.{name}.weight"] for name in _EMBEDDINGS}
        arrays["words"] = embeddings["word_embeddings"]
        # Every token is of the first type.
        arrays["positions"] = embeddings["position_embeddings"] + embeddings["token_type_embeddings"][0]
        for part in ("weight", "bias"):
            arrays[f"norm.{part}"] = tensors[f"embeddings.LayerNorm.{part}"]
            layer = 0
            while f"encoder.layer.{layer}.output.dense.{part}" in tensors:
                within = f"encoder.layer.{layer}."
                arrays[f"{layer}.query_key_value.{part}"] = np.concatenate(
                    [tensors[f"{within}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                )
                for name, name_in_file in _NAMES_IN_FILE.items():
                    arrays[f"{layer}.{name}.{part}"] = tensors[f"{within}{name_in_file}.{part}"]
                layer += 1
    except KeyError as error:
        raise TextEncoderError(path, f"lacks the weight {error}") from error
    except (ValueError, IndexError) as error:
        raise TextEncoderError(path, f"holds weights that do not fit each other: {error}") from error
    return arrays


def read_tensors(path: Path) -> Arrays:
    """Read a safetensors file whatever it holds, names without the prefix of a head; TextEncoderError."""
    try:
        tensors = read_any_arrays(path)
    except BundleError as error:
        raise TextEncoderError(path, error.reason) from error
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


def check_arrays(path: Path, shape: BertShape, arrays: Arrays, *, is_quantised: bool) -> None:
    """TextEncoderError names the array that is missing, foreign, misshapen or not finite."""
    if shape.num_hidden_layers > len(arrays):
        raise TextEncoderError(path, f"has {len(arrays)} arrays for {shape.num_hidden_layers} layers")
    expected = {name: (np.dtype(kind), size) for name, kind, size in array_shapes(shape, is_quantised=is_quantised)}
    found = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    if expected != found:
        name = min(name for name, _ in expected.items() ^ found.items())
        raise TextEncoderError(
            path, f"does not fit the configuration: {name} is {found.get(name)}, expected {expected.get(name)}"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise TextEncoderError(path, f"{name} holds a value that is not finite")
    if is_quantised and sorted(arrays["order"].tolist()) != list(range(shape.hidden_size)):
        raise TextEncoderError(path, "order does not name every number of an embedding once")
