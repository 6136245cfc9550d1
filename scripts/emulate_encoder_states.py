"""Quality of the 8-bit encoders with states in 8 bits, emulated in torch.

    python scripts/emulate_encoder_states.py

OpenVINO puts states in 8 bits (DYNAMIC_QUANTIZATION_GROUP_SIZE) only on processors that have VNNI, without a word where
it does not. This rounds the inputs of every product as it would, so that any processor shows what the ranking loses.
Moods, posts and overlap are those of measure_encoder.py.
"""

from collections.abc import Callable

import numpy as np
import torch
from measure_encoder import moods, overlap, sample_sentences
from numpy.typing import NDArray

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import full_encoder

Round = Callable[[NDArray[np.float32]], NDArray[np.float32]]


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


def emulated(weights: Round, *, states: int, words: Round | None = None) -> TorchEncoder:
    """The full encoder with rounded weights, and states rounded in groups of ``states``, 0 for not at all."""
    encoder = TorchEncoder(default_encoder_directory())
    for product in encoder.bert.encoder.modules():
        if not isinstance(product, torch.nn.Linear):
            continue
        product.weight = torch.nn.Parameter(torch.tensor(weights(product.weight.detach().numpy())))
        if states:
            product.register_forward_pre_hook(lambda _, inputs: (round_states(inputs[0], states),))
    if words:
        table = encoder.bert.embeddings.word_embeddings
        table.weight = torch.nn.Parameter(torch.tensor(words(table.weight.detach().numpy())))
    return encoder


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    texts = moods()
    exact = TorchEncoder(directory).encode(texts, batch_size=1)
    posts = full_encoder(directory).encode(sample_sentences(), batch_size=16)
    ways: dict[str, tuple[Round, Round | None]] = {
        "INT8_ASYM: what is served": (asymmetric, None),
        "INT8_SYM": (symmetric, None),
        "INT8_ASYM, words too": (asymmetric, asymmetric),
        "INT8_SYM, words too": (symmetric, symmetric),
    }
    print("| weights | states | cosine min / mean | overlap |\n|---|---|---|---|")
    for name, (weights, words) in ways.items():
        for states in (0, 32, 64, 128):
            queries = emulated(weights, states=states, words=words).encode(texts, batch_size=1)
            cosines = (queries * exact).sum(axis=1)
            row = f"{cosines.min():.4f} / {cosines.mean():.4f} | {overlap(queries, exact, posts):.3f}"
            print(f"| {name} | {f'groups of {states}' if states else 'full'} | {row} |", flush=True)


if __name__ == "__main__":
    main()
