"""Quality of the 8-bit encoders with states in 8 bits, emulated in torch.

    python scripts/emulate_encoder_states.py

OpenVINO puts states in 8 bits (DYNAMIC_QUANTIZATION_GROUP_SIZE) only on processors that have VNNI, without a word where
it does not. This rounds the inputs of every product as it would, so that any processor shows what the ranking loses.
Moods, posts and overlap are those of measure_encoder.py. For the served encoder it gives what the processors with VNNI
gave: .981 against .978, with a standard error of .004.
"""

from collections.abc import Callable

import numpy as np
import torch
from measure_encoder import moods, overlap, sample_sentences
from numpy.typing import NDArray

from mood_encoder.bert_arrays import BertShape, read_arrays
from mood_encoder.encoder_files import CONFIG, WEIGHTS, default_encoder_directory
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.quantised_bert import in_blocks, quantise
from mood_encoder.torch_encoder import TorchEncoder

Round = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def in_groups(block: int) -> Round:
    """Each row of a weight in blocks that share a scale, as quantised_bert does it."""

    def rounded(weight: NDArray[np.float32]) -> NDArray[np.float32]:
        steps, scales = in_blocks(weight, block)
        return ((steps.astype(np.float32) - 128) * scales[..., None]).reshape(len(weight), -1)[:, : weight.shape[1]]

    return rounded


def symmetric(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """One scale a row: INT8_SYM."""
    scales = np.abs(weight).max(axis=1, keepdims=True) / 127
    return np.rint(weight / scales) * scales


def asymmetric(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """One scale and one zero point a row: INT8_ASYM."""
    low, high = weight.min(axis=1, keepdims=True), weight.max(axis=1, keepdims=True)
    scales = (high - low) / 255
    zeros = np.rint(-low / scales)
    return (np.clip(np.rint(weight / scales) + zeros, 0, 255) - zeros) * scales


def round_states(states: torch.Tensor, group: int) -> torch.Tensor:
    """The numbers of each group on 255 steps around zero."""
    groups = states.unflatten(-1, (-1, group))
    scales = groups.abs().amax(dim=-1, keepdim=True).clamp_min(1e-30) / 127
    return (torch.round(groups / scales) * scales).flatten(-2)


def emulated(weights: Round, *, states: int, words: Round | None = None, order: NDArray[np.int64]) -> TorchEncoder:
    """The full encoder with rounded weights, and states rounded in groups of ``states``, 0 for not at all.

    ``order`` is the one in which the numbers of a state share groups.
    """
    encoder = TorchEncoder(default_encoder_directory())
    forth, back = torch.tensor(order), torch.tensor(np.argsort(order))
    for name, product in encoder._bert.encoder.named_modules():
        if not isinstance(product, torch.nn.Linear):
            continue
        takes_states = name.endswith(("query", "key", "value", "intermediate.dense"))
        there, here = (forth, back) if takes_states else (torch.arange(product.in_features),) * 2
        rounded = weights(product.weight.detach()[:, there].numpy())
        product.weight = torch.nn.Parameter(torch.tensor(rounded, dtype=torch.float32)[:, here])
        if states:
            product.register_forward_pre_hook(
                lambda _, inputs, there=there, here=here: (round_states(inputs[0][..., there], states)[..., here],)
            )
    if words:
        table = encoder._bert.embeddings.word_embeddings
        table.weight = torch.nn.Parameter(torch.tensor(words(table.weight.detach().numpy()), dtype=torch.float32))
    return encoder


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    shape, arrays = BertShape.read(directory / CONFIG), read_arrays(directory / WEIGHTS)
    by_loudness = np.argsort(quantise(shape, arrays)["order"])
    plain = np.arange(shape.hidden_size)
    texts = moods()
    exact = TorchEncoder(directory).encode(texts, batch_size=1)
    posts = OpenVinoEncoder(directory, quantised=False).encode(sample_sentences(), batch_size=16)
    ways: dict[str, tuple[Round, Round | None, NDArray[np.int64]]] = {
        "blocks of 32, ordered: what is served": (in_groups(32), None, by_loudness),
        "blocks of 32, not ordered": (in_groups(32), None, plain),
        "INT8_ASYM": (asymmetric, None, plain),
        "INT8_SYM": (symmetric, None, plain),
        "INT8_ASYM, words too": (asymmetric, asymmetric, plain),
        "INT8_SYM, words too": (symmetric, symmetric, plain),
    }
    print("| weights | states | cosine min / mean | overlap |\n|---|---|---|---|")
    for name, (weights, words, order) in ways.items():
        for states in (0, 32, 64, 128):
            queries = emulated(weights, states=states, words=words, order=order).encode(texts, batch_size=1)
            cosines = (queries * exact).sum(axis=1)
            row = f"{cosines.min():.4f} / {cosines.mean():.4f} | {overlap(queries, exact, posts):.3f}"
            print(f"| {name} | {f'groups of {states}' if states else 'full'} | {row} |", flush=True)


if __name__ == "__main__":
    main()
