"""Texts to unit vectors with a BERT that lies in a local directory; the network is never touched.

Mean pooling over all tokens and normalisation, as sentence-transformers/all-MiniLM-L6-v2 is meant to be used
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from bundle.directory import Bundle
from mood_encoder.encoder_files import (
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    TextEncoderError,
    encoder_files,
    panics_are_errors,
    read_tokenizer,
)
from mood_encoder.runtime import read_encoder


class TorchEncoder:
    """A BERT of a Hugging Face directory, on the processor, in inference mode; safe to call from several threads.

    Reads exactly the files that ``encoder_files`` names. Texts are cut after ``max_tokens`` tokens, the two that mark
    start and end included. TextEncoderError if a file is missing, broken, or not of a BERT.
    """

    def __init__(self, directory: Path, *, max_tokens: int = 128) -> None:
        config_path, tokenizer_path, weights_path = encoder_files(directory)
        config = _read_config(config_path)
        if not 3 <= max_tokens <= config.max_position_embeddings:
            raise TextEncoderError(
                config_path, f"allows 3 to {config.max_position_embeddings} tokens a text, {max_tokens} were asked for"
            )
        self.max_tokens = max_tokens
        self.dimension: int = config.hidden_size
        self._tokenizer = read_tokenizer(tokenizer_path, max_tokens=max_tokens, vocabulary_size=config.vocab_size)
        self._bert = _read_bert(weights_path, config_path, config)
        self._prove(config_path)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """The mood encoder of a bundle with full weights; errors as read_encoder raises them."""
        return read_encoder(bundle, cls, files=(CONFIG, TOKENIZER, WEIGHTS))

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        An empty text has an embedding too: that of the two tokens that mark start and end. ``progress`` hears after
        each batch how many texts it held. The same list gives the same bytes; a text may differ in its last bits
        between batches of different shapes, never with ``batch_size=1``.
        """
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        # Neighbours in length share a batch, so that little is padding; longest first, so that memory peaks at once.
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]), reverse=True)
        embeddings = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            embeddings[rows] = self._embed([tokens[row] for row in rows])
            if progress is not None:
                progress(len(rows))
        return embeddings

    def _prove(self, config_path: Path) -> None:
        """Embed one text: some settings fail, or make no number, only then."""
        try:
            with panics_are_errors():
                norm = float(np.linalg.norm(self.encode(["a calm evening"])))
        except Exception as error:
            raise TextEncoderError(config_path, f"gives no BERT that embeds a text: {error}") from error
        if not abs(norm - 1) < 1e-3:
            raise TextEncoderError(config_path, f"gives a BERT whose embedding has the norm {norm}, not 1")

    def _embed(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Embed token ids, the longest first: float32 [texts, dimension]."""
        ids = torch.zeros((len(batch), len(batch[0])), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        with torch.inference_mode():
            states = self._bert(input_ids=ids, attention_mask=mask).last_hidden_state  # [texts, tokens, dimension]
            sums = (states * mask.unsqueeze(-1)).sum(dim=1)
            # The mean is the sum but for its length, which the normalisation takes away.
            embeddings: NDArray[np.float32] = torch.nn.functional.normalize(sums, dim=1).numpy()
        return embeddings


def _read_config(path: Path) -> BertConfig:
    try:
        config = BertConfig.from_json_file(path)
    except Exception as error:
        raise TextEncoderError(path, f"cannot be read as a BERT configuration: {error}") from error
    if '"bert"' not in path.read_text():
        raise TextEncoderError(path, "is not of a BERT (model_type bert)")
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"):
        size = getattr(config, name)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise TextEncoderError(path, f"{name} is {size!r}, not a number of at least 1")
    return config


def _read_bert(path: Path, config_path: Path, config: BertConfig) -> BertModel:
    # Not from_pretrained: it asks the network unless told not to, and reports unused weights on the screen.
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise TextEncoderError(path, f"cannot be read as safetensors: {error}") from error
    # A BERT that was saved under a head carries its name as a prefix; the head itself is not needed.
    weights = {name.removeprefix("bert."): tensor for name, tensor in weights.items()}
    _compare_shapes(config_path, config, weights)
    bert = BertModel(config, add_pooling_layer=False)
    try:
        missing = bert.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        raise TextEncoderError(path, f"does not fit {CONFIG}: {error}") from error
    if missing:
        raise TextEncoderError(path, f"does not fit {CONFIG}: it lacks {len(missing)} weights, first {missing[0]}")
    bert.train(mode=False)
    return bert


def _compare_shapes(config_path: Path, config: BertConfig, weights: dict[str, torch.Tensor]) -> None:
    """Refuse a configuration larger than the weights before memory is taken for it."""
    if config.num_hidden_layers > len(weights):
        raise TextEncoderError(
            config_path, f"has {config.num_hidden_layers} layers, {WEIGHTS} only {len(weights)} arrays"
        )
    try:
        with torch.device("meta"):  # shapes without memory
            expected = BertModel(config, add_pooling_layer=False).state_dict()
    except Exception as error:
        raise TextEncoderError(config_path, f"describes no BERT: {error}") from error
    for name, weight in expected.items():
        if name in weights and weights[name].shape != weight.shape:
            raise TextEncoderError(
                config_path,
                f"does not fit {WEIGHTS}: {name} is {tuple(weights[name].shape)}, not {tuple(weight.shape)}",
            )
