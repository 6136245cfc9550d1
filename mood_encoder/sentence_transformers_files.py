"""The settings of a sentence-transformers directory: each is applied, or refused with an error that names it.

A directory without ``modules.json`` is a plain BERT, whose embeddings are means over all tokens. The files are those of
https://sbert.net/docs/package_reference/sentence_transformer/models.html.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mood_encoder.encoder_files import MAX_TOKENS, TextEncoderError

MODULES = "modules.json"
TRANSFORMER = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"
POOLING = "config.json"
_POOLING_MODE = "pooling_mode"
_MEAN = "mean"
_MODES = {"mean": "mean", "mean_sqrt_len": "mean", "cls": "cls", "max": "max"}  # the length of a vector does not count
_DEFAULT_PROMPT, _PROMPT_OF_MOODS = "default_prompt_name", "query"
SETTINGS = "text_settings.json"
"""Beside the encoder of a bundle, if its settings are not the usual ones."""
_SIMILARITIES = frozenset({None, "cosine", "dot"})

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How an encoder makes a vector of a text: ``pooling`` mean, cls or max; ``prompt`` is put before each text."""

    pooling: str = _MEAN
    prompt: str = ""


def text_settings(directory: Path) -> TextSettings:
    """The settings of a directory: those kept in a bundle, or those of sentence-transformers; the usual ones without.

    The prompt is the model's default, or else the one for queries: moods and posts are compared with each other, and E5
    (https://huggingface.co/intfloat/multilingual-e5-small) says to use that one for both sides of such a task.
    TextEncoderError names the file and the field.
    """
    kept = _read_fields(directory / SETTINGS)
    if kept:
        pooling, prompt = kept.get("pooling"), kept.get("prompt")
        if pooling not in _MODES.values() or not isinstance(prompt, str):
            raise TextEncoderError(directory / SETTINGS, f"holds {kept!r}, not a pooling and a prompt")
        return TextSettings(str(pooling), prompt)
    if not (directory / MODULES).is_file():
        return TextSettings()
    check_modules(directory)
    module = next(each for each in _read_list(directory / MODULES) if str(each.get("type", "")).endswith("Pooling"))
    pooling = _pooling_of(directory / str(module.get("path", "")) / POOLING)
    return TextSettings(pooling, _prompt_of(directory / PROMPTS))


def write_text_settings(settings: TextSettings, directory: Path) -> None:
    """Keep settings that are not the usual ones in the encoder's directory of a bundle."""
    if settings != TextSettings():
        (directory / SETTINGS).write_text(json.dumps(asdict(settings)), encoding="utf-8")


def check_modules(directory: Path) -> None:
    """Refuse what the encoder does not do: other modules, other pooling, lower-casing before the tokenizer.

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
            _pooling_of(directory / place / POOLING)
        elif kind not in {"Transformer", "Normalize"}:
            raise TextEncoderError(path, f"has the module {kind or module!r}, which is not supported")
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise TextEncoderError(path, f"has the modules {', '.join(kinds)}, not a Transformer and a Pooling")
    _check_similarity(directory / PROMPTS, is_normalised="Normalize" in kinds)
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


def _pooling_of(path: Path) -> str:
    """The one way of pooling that a file asks for, in the form of either release of it."""
    fields = _read_fields(path)
    modes = {
        name.removeprefix(f"{_POOLING_MODE}_").removesuffix("_tokens").removesuffix("_token")
        for name, is_set in fields.items()
        if name.startswith(f"{_POOLING_MODE}_") and is_set
    }
    named = fields.get(_POOLING_MODE)
    modes |= set(map(str, named)) if isinstance(named, list) else set() if named is None else {str(named)}
    if len(modes) != 1 or not modes <= _MODES.keys():
        shown = ", ".join(sorted(modes)) or "no pooling"
        raise TextEncoderError(
            path, f"field {_POOLING_MODE}: asks for {shown}, one of {', '.join(sorted(_MODES))} is supported"
        )
    return _MODES[modes.pop()]


def _prompt_of(path: Path) -> str:
    """The text to put before moods and posts; empty if the model has no prompts."""
    fields = _read_fields(path)
    prompts = fields.get("prompts")
    if not isinstance(prompts, dict):
        return ""
    name = fields.get(_DEFAULT_PROMPT)
    if name is not None and name not in prompts:
        raise TextEncoderError(path, f"field {_DEFAULT_PROMPT}: is {name!r}, which is not one of its prompts")
    prompt = prompts.get(name if name is not None else _PROMPT_OF_MOODS, "")
    if not isinstance(prompt, str):
        raise TextEncoderError(path, f"field prompts: has {prompt!r}, which is not a text")
    return prompt


def _check_similarity(path: Path, *, is_normalised: bool) -> None:
    fields = _read_fields(path)
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
