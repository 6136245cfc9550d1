"""The settings of a sentence-transformers directory: each is applied, or refused with an error that names it.

A directory without ``modules.json`` is a plain BERT, whose embeddings are means over all tokens. The files are those of
https://sbert.net/docs/package_reference/sentence_transformer/models.html.
"""

import json
from pathlib import Path

from mood_encoder.encoder_files import MAX_TOKENS, TextEncoderError

MODULES = "modules.json"
TRANSFORMER = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
POOLING = "config.json"
_POOLING_MODE = "pooling_mode"
_MEAN = "mean"
_SIMILARITIES = frozenset({None, "cosine", "dot"})

Fields = dict[str, object]


def check_modules(directory: Path) -> None:
    """Refuse what the encoder does not do: other modules, other pooling, prompts, lower-casing before the tokenizer.

    TextEncoderError names the file and the field.
    """
    path = directory / MODULES
    if not path.is_file():
        return
    kinds = []
    for module in _read_list(path):
        kind, place = str(module.get("type", "")).rpartition(".")[2], str(module.get("path", ""))
        kinds.append(kind)
        if kind == "Transformer" and place:
            raise TextEncoderError(path, f"has its BERT in {place}; the BERT must lie in the directory itself")
        if kind == "Pooling":
            _check_pooling(directory / place / POOLING)
        elif kind not in {"Transformer", "Normalize"}:
            raise TextEncoderError(path, f"has the module {kind or module!r}, which is not supported")
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise TextEncoderError(path, f"has the modules {', '.join(kinds)}, not a Transformer and a Pooling")
    _check_prompts(directory / PROMPTS, is_normalised="Normalize" in kinds)
    if _read_fields(directory / TRANSFORMER).get("do_lower_case"):
        raise TextEncoderError(directory / TRANSFORMER, "field do_lower_case: is set, which is not supported")


def max_tokens_of(directory: Path) -> int:
    """The maximum number of tokens of a text: MAX_TOKENS, or ``max_seq_length`` if the model has a smaller one."""
    path = directory / TRANSFORMER
    longest = _read_fields(path).get("max_seq_length")
    if longest is None:
        return MAX_TOKENS
    if isinstance(longest, bool) or not isinstance(longest, int) or longest < 1:
        raise TextEncoderError(path, f"field max_seq_length: {longest!r} is not a number of at least 1")
    return min(MAX_TOKENS, longest)


def _check_pooling(path: Path) -> None:
    """Refuse all but the mean over all tokens, in the form of either release of the file."""
    fields = _read_fields(path)
    modes = {
        name.removeprefix(f"{_POOLING_MODE}_").removesuffix("_tokens").removesuffix("_token")
        for name, is_set in fields.items()
        if name.startswith(f"{_POOLING_MODE}_") and is_set
    }
    named = fields.get(_POOLING_MODE)
    modes |= set(map(str, named)) if isinstance(named, list) else set() if named is None else {str(named)}
    if modes != {_MEAN}:
        shown = ", ".join(sorted(modes)) or "no pooling"
        raise TextEncoderError(
            path, f"field {_POOLING_MODE}: asks for {shown}, only the mean of all tokens is supported"
        )


def _check_prompts(path: Path, *, is_normalised: bool) -> None:
    fields = _read_fields(path)
    prompts = fields.get("prompts")
    names = [name for name, text in prompts.items() if text] if isinstance(prompts, dict) else []
    if names:
        raise TextEncoderError(path, f"field prompts: has {', '.join(map(str, names))}; prompts are not supported")
    similarity = fields.get("similarity_fn_name")
    if similarity not in _SIMILARITIES or (similarity == "dot" and not is_normalised):
        raise TextEncoderError(path, f"field similarity_fn_name: is {similarity!r}, embeddings are compared by cosine")


def _read_fields(path: Path) -> Fields:
    """The fields of a file; none if it is missing, which means the defaults, save for pooling."""
    if not path.is_file():
        return {}
    content = _read(path)
    if not isinstance(content, dict):
        raise TextEncoderError(path, "is not a JSON object")
    return content


def _read_list(path: Path) -> list[Fields]:
    content = _read(path)
    if not isinstance(content, list) or not all(isinstance(module, dict) for module in content):
        raise TextEncoderError(path, "is not a JSON list of modules")
    return content


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TextEncoderError(path, f"cannot be read as JSON: {error}") from error
