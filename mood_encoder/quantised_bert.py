"""Quantises the weights of a BERT to 8 bits, so that encoding a text reads a quarter of the memory.

Each BLOCK of weights shares one scale, and so does each block of numbers in a state (MatMulNBits of ONNX Runtime), so
the largest number of a block limits the precision of the others. In a BERT a few numbers of each state are far larger
than the rest. They are gathered in blocks of their own: the order of the numbers in a state is free as long as all
weights agree on it, and costs nothing at run time. ``scripts/measure_encoder.py`` measures the gain.
"""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.array_files import Arrays, write_arrays
from mood_encoder.bert_arrays import BLOCK, QUANTISED, BertShape, check_arrays, read_arrays
from mood_encoder.encoder_files import CONFIG, WEIGHTS

_NORM = re.compile(r"(?:.*[._])?norm\.(?:weight|bias)")
_MAKES_STATES = re.compile(r".*\.(?:attended|down)\.(?:weight|bias)")
_TAKES_STATES = re.compile(r".*\.(?:query_key_value|up)\.weight")


def write_quantised(source: Path, destination: Path) -> Path:
    """Write ``model_int8.safetensors`` for the BERT in ``source``; the same BERT gives the same bytes.

    TextEncoderError if the BERT cannot be read, or if bert_graph does not support it.
    """
    shape = BertShape.read(source / CONFIG)
    arrays = read_arrays(source / WEIGHTS)
    check_arrays(source / WEIGHTS, shape, arrays, is_quantised=False)
    path = destination / QUANTISED
    write_arrays(path, quantise(shape, arrays))
    return path


def quantise(shape: BertShape, arrays: Arrays, *, block: int = BLOCK) -> Arrays:
    """The arrays with 8-bit weights, as bert_arrays.array_shapes lists them."""
    order = _order_by_size(arrays)
    quantised: Arrays = {"order": np.argsort(order).astype(np.int64)}
    for name, array in _reordered(arrays, order).items():
        product = name.removesuffix(".weight")
        if product.split(".")[-1] in shape.products and name.endswith(".weight"):
            quantised[f"{product}.quantised"], quantised[f"{product}.scales"] = in_blocks(array, block)
        else:
            quantised[name] = np.ascontiguousarray(array, dtype=np.float16 if name == "words" else np.float32)
    return quantised


def _order_by_size(arrays: Arrays) -> NDArray[np.int64]:
    """The numbers of a state, smallest first: the weight and bias of the norm set the size of a normalised number."""
    total = np.zeros(arrays["norm.weight"].shape)
    for name, weight in arrays.items():
        if _NORM.fullmatch(name) and name.endswith(".weight"):
            sizes = np.hypot(weight, arrays[f"{name.removesuffix('.weight')}.bias"], dtype=np.float64)
            total += sizes / max(sizes.mean(), 1e-12)
    return np.argsort(total, kind="stable")


def _reordered(arrays: Arrays, order: NDArray[np.int64]) -> Arrays:
    """The same BERT with the numbers of its states in another order."""
    reordered: Arrays = {}
    for name, array in arrays.items():
        if name in {"words", "positions"} or _TAKES_STATES.fullmatch(name):
            reordered[name] = array[:, order]
        elif _NORM.fullmatch(name) or _MAKES_STATES.fullmatch(name):
            reordered[name] = array[order]
        else:
            reordered[name] = array
    return reordered


def in_blocks(weight: NDArray[np.float32], block: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A weight [made, taken] as uint8 [made, blocks, block] around 128, and the scales [made, blocks]."""
    made, taken = weight.shape
    blocks = math.ceil(taken / block)
    padded = np.zeros((made, blocks * block), dtype=np.float32)
    padded[:, :taken] = weight
    padded = padded.reshape(made, blocks, block)
    scales = np.abs(padded).max(axis=-1) / np.float32(127)
    steps = padded / np.where(scales == 0, 1, scales)[..., None]
    return (np.rint(steps) + 128).clip(1, 255).astype(np.uint8), scales.astype(np.float32)
