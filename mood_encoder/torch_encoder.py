"""Texts to unit vectors in torch, with the BERT of a local directory; it never uses the network.

Mean pooling over all tokens, then normalisation, as the model card of all-MiniLM-L6-v2 says
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
"""

from collections.abc import Callable, Sequence
from functools import partial
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
    is_one_token,
    panics_are_errors,
    read_tokenizer,
)
from mood_encoder.runtime import read_encoder
from mood_encoder.sentence_transformers_files import max_tokens_of, text_settings

_LEAST = -1e9  # below every state; a graph may hold no infinity


class TorchEncoder:
    """A BERT of a Hugging Face directory, on the CPU, in inference mode; safe to call from several threads.

    It reads exactly the files of ``encoder_files``. Texts are cut after ``max_tokens`` tokens, the start and end tokens
    included; by default where the directory says. TextEncoderError if a file is missing, broken, or not of a BERT, or
    if a sentence-transformers directory asks for what is not supported.
    """

    def __init__(self, directory: Path, *, max_tokens: int | None = None) -> None:
        config_path, tokenizer_path, weights_path = encoder_files(directory)
        self.settings = text_settings(directory)
        if max_tokens is None:
            max_tokens = max_tokens_of(directory)
        config = _read_config(config_path)
        if not 3 <= max_tokens <= config.max_position_embeddings:
            raise TextEncoderError(
                config_path, f"allows 3 to {config.max_position_embeddings} tokens a text, {max_tokens} were asked for"
            )
        self.max_tokens = max_tokens
        self.dimension: int = config.hidden_size
        self._tokenizer = read_tokenizer(tokenizer_path, max_tokens=max_tokens, vocabulary_size=config.vocab_size)
        self.bert = _read_bert(weights_path, config_path, config)
        self._prove(config_path)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """The mood encoder of a bundle, with full weights; BundleError as in read_encoder."""
        return read_encoder(
            bundle, partial(cls, max_tokens=bundle.manifest.max_tokens), files=(CONFIG, TOKENIZER, WEIGHTS)
        )

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        The embedding of an empty text is that of the start and end tokens. ``progress`` is called after each batch with
        its number of texts. The same list gives the same bytes. In batches of different shapes the embedding of a text
        may differ in its last bits; with ``batch_size=1`` it never does.
        """
        tokens = [self._tokenizer.encode(self.settings.prompt + text).ids for text in texts]
        # Texts of similar length share a batch, so that little is padding; longest first, so that memory peaks early.
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]), reverse=True)
        embeddings = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            embeddings[rows] = self._embed([tokens[row] for row in rows])
            if progress is not None:
                progress(len(rows))
        return embeddings

    def knows(self, word: str) -> bool:
        """Whether a word in lower case is one token: a common word, rightly spelt."""
        return is_one_token(self._tokenizer, word)

    def _prove(self, config_path: Path) -> None:
        """Embed one text: some configurations fail, or give NaN, only then."""
        try:
            with panics_are_errors():
                norm = float(np.linalg.norm(self.encode(["a calm evening"])))
        except Exception as error:
            raise TextEncoderError(config_path, f"does not give a BERT that can embed a text: {error}") from error
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
            states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state  # [texts, tokens, dimension]
            embeddings: NDArray[np.float32] = pooled(states, mask, self.settings.pooling).numpy()
        return embeddings


def pooled(states: torch.Tensor, mask: torch.Tensor | None, pooling: str) -> torch.Tensor:
    """Unit vectors [texts, dimension] of ``states`` [texts, tokens, dimension]; ``mask`` [texts, tokens] is 0 or 1.

    Without a mask, no token is padding.
    """
    match pooling:
        case "cls":
            vectors = states[:, 0]
        case "max":
            shown = states if mask is None else states.masked_fill(mask.unsqueeze(-1) == 0, _LEAST)
            vectors = shown.amax(dim=1)
        case _:
            # The mean is the sum but for its length, which the normalisation takes away.
            vectors = (states if mask is None else states * mask.unsqueeze(-1)).sum(dim=1)
    return torch.nn.functional.normalize(vectors, dim=1)


def _read_config(path: Path) -> BertConfig:
    try:
        config = BertConfig.from_json_file(path)
    except Exception as error:
        raise TextEncoderError(path, f"cannot be read as a BERT configuration: {error}") from error
    if '"bert"' not in path.read_text(encoding="utf-8"):
        raise TextEncoderError(path, "is not of a BERT (model_type bert)")
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"):
        size = getattr(config, name)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise TextEncoderError(path, f"{name} is {size!r}, not a number of at least 1")
    return config


def _read_bert(path: Path, config_path: Path, config: BertConfig) -> BertModel:
    # Not from_pretrained: by default it uses the network, and it prints unused weights.
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise TextEncoderError(path, f"cannot be read as safetensors: {error}") from error
    # The weights of a BERT that was saved with a head have a prefix; the head is not needed.
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
    """Refuse a configuration larger than the weights before memory is allocated for it."""
    if config.num_hidden_layers > len(weights):
        raise TextEncoderError(
            config_path, f"has {config.num_hidden_layers} layers, {WEIGHTS} only {len(weights)} arrays"
        )
    try:
        with torch.device("meta"):  # shapes without memory
            expected = BertModel(config, add_pooling_layer=False).state_dict()
    except Exception as error:
        raise TextEncoderError(config_path, f"does not describe a BERT: {error}") from error
    for name, weight in expected.items():
        if name in weights and weights[name].shape != weight.shape:
            raise TextEncoderError(
                config_path,
                f"does not fit {WEIGHTS}: {name} is {tuple(weights[name].shape)}, not {tuple(weight.shape)}",
            )
