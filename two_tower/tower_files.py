"""The towers of a bundle as checked arrays, which both the towers in torch and those in NumPy are made of."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import safe_open

from bundle.array_files import read_texts, write_texts
from bundle.directory import Bundle
from bundle.file_names import MANIFEST_NAME, POST_TOWER, USER_TOWER, WORDS
from bundle.manifest import BundleError
from bundle.verbs import VERBS
from two_tower.features import NUMERIC_FEATURES
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

Weights = dict[str, NDArray[np.float32]]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class KnownPosts:
    """What the post tower needs of the time it was trained at.

    ``numeric`` float32 [posts, features], ``category_rows`` int64 [posts] (0 = none), ``category_ids`` int64
    [categories] ascending, ``is_new`` bool [posts]: nobody had met the post.
    """

    numeric: NDArray[np.float32]
    category_rows: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    is_new: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TowerArrays:
    """Both towers' weights under the names that training gave them, finite float32 of the shapes below."""

    config: TowerConfig
    user_tower: Weights
    post_tower: Weights
    vocabulary: Vocabulary
    known: KnownPosts

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read strictly: BundleError names the file that lacks a weight or holds one too many."""
        config = _read_config(bundle)
        user_path, post_path = bundle.path(USER_TOWER), bundle.path(POST_TOWER)
        post_tower = _read(post_path)
        known = _take_known_posts(post_path, post_tower, config)
        user_tower = _read(user_path)
        _check_weights(user_path, user_tower, user_tower_shapes(config))
        _check_weights(post_path, post_tower, post_tower_shapes(config))
        words = read_words(bundle)
        if len(words) != config.word_count:
            raise BundleError(bundle.path(WORDS), f"has {len(words)} words, the manifest's tower {config.word_count}")
        return cls(
            config=config, user_tower=user_tower, post_tower=post_tower, vocabulary=Vocabulary(words), known=known
        )


def write_words(words: Iterable[str], directory: Path) -> None:
    """Write the post tower's vocabulary in its order."""
    write_texts(directory / WORDS, words)


def read_words(bundle: Bundle) -> tuple[str, ...]:
    """Read the post tower's vocabulary; BundleError names the line that is no text."""
    return read_texts(bundle.path(WORDS))


def user_tower_shapes(config: TowerConfig) -> Shapes:
    """The weights of model.UserTower."""
    width = config.representation_dimension
    shapes: Shapes = {
        "verb.weight": (len(VERBS), width),
        "position.weight": (config.history_length, width),
        "nothing": (width,),
        **_linear("event", 2, width),
        **_norm("attention_norm", width),
        **_linear("query", width, width),
        **_linear("key_value", width, 2 * width),
        **_linear("attended", width, width),
        **_norm("feed_forward.0", width),
        **_linear("feed_forward.1", width, 2 * width),
        **_linear("feed_forward.4", 2 * width, width),
        **_norm("out_norm", width),
        **_linear("out", width, config.learned_dimension),
    }
    return shapes | ({"mean_scale": ()} if config.taste_from_mean else {})


def post_tower_shapes(config: TowerConfig) -> Shapes:
    """The weights of model.PostTower."""
    width = config.representation_dimension
    return {
        **_linear("text", config.text_dimension, width),
        "words.weight": (config.word_count + 1, width),
        "category.weight": (config.category_count, width),
        "identity.weight": (config.post_count, width),
        **_norm("norm", width),
        "taste_scale": (),
        "trend_scale": (),
        **_linear("hidden", len(NUMERIC_FEATURES), config.hidden_dimension),
        **_linear("popularity", config.hidden_dimension, config.learned_dimension - width - 1),
    }


def _linear(name: str, taken: int, made: int) -> Shapes:
    return {f"{name}.weight": (made, taken), f"{name}.bias": (made,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _read_config(bundle: Bundle) -> TowerConfig:
    """The manifest's facts, types and ranges checked; that they fit the files is shown by the shapes."""
    path = bundle.directory / MANIFEST_NAME
    facts = dict(bundle.manifest.tower)
    try:
        config = TowerConfig.from_facts(facts)
        TypeAdapter(TowerConfig).validate_json(json.dumps(facts), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(path, f"field tower.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (TypeError, ValueError) as error:
        raise BundleError(path, f"field tower: {error}") from error
    rows = {"word_count": config.word_count + 1}  # with row 0: a vocabulary may be empty
    sizes = [value for value in (facts | rows).values() if isinstance(value, int) and not isinstance(value, bool)]
    if min(sizes) < 1 or config.representation_dimension % config.heads or config.new_post_bonus < 0:
        raise BundleError(path, "field tower: a size is below 1, or the heads do not divide the representation")
    if not all(0 <= share <= 1 for share in (config.id_dropout, config.word_dropout, config.dropout)):
        raise BundleError(path, "field tower: a dropout is not in 0..1")
    if config.representation_dimension >= config.learned_dimension:
        raise BundleError(path, "field tower: the representation leaves no room for the trend in an embedding")
    for name in ("tower_dimension", "text_dimension"):
        if getattr(config, name) != getattr(bundle.manifest, name):
            raise BundleError(path, f"field tower.{name}: {getattr(config, name)} is not the manifest's {name}")
    return config


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # it raises what comes to hand: SafetensorError, OSError, TypeError, AttributeError
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise BundleError(path, f"{name} is {array.dtype}, expected float32")
        if not np.isfinite(array).all():
            raise BundleError(path, f"{name} holds a value that is not finite")
    return arrays


def _check_weights(path: Path, weights: dict[str, NDArray[Any]], shapes: Shapes) -> None:
    for name, weight in weights.items():
        if weight.dtype != np.float32:
            raise BundleError(path, f"{name} is {weight.dtype}, expected float32")
    found = {name: weight.shape for name, weight in weights.items()}
    if found != shapes:
        name = min(name for name, _ in shapes.items() ^ found.items())
        raise BundleError(path, f"does not fit the manifest's tower: {name} is missing, foreign or misshapen")


def _take_known_posts(path: Path, arrays: dict[str, NDArray[Any]], config: TowerConfig) -> KnownPosts:
    """Take the arrays that are no weights out of the others."""
    posts, categories = config.post_count, config.category_count
    expected = {
        "numeric": (np.dtype(np.float32), (posts, len(NUMERIC_FEATURES))),
        "category_rows": (np.dtype(np.int64), (posts,)),
        "category_ids": (np.dtype(np.int64), (categories - 1,)),
        "is_new": (np.dtype(np.bool_), (posts,)),
    }
    taken = {}
    for name, (dtype, shape) in expected.items():
        array = arrays.pop(f"known.{name}", None)
        if array is None:
            raise BundleError(path, f"lacks known.{name}")
        if array.dtype != dtype or array.shape != shape:
            raise BundleError(
                path, f"known.{name} is {array.dtype} {array.shape}, the manifest's tower has {dtype} {shape}"
            )
        taken[name] = array
    known = KnownPosts(**taken)
    if ((known.category_rows < 0) | (known.category_rows >= categories)).any():
        raise BundleError(path, "known.category_rows names a category that known.category_ids does not hold")
    if (known.category_ids[1:] <= known.category_ids[:-1]).any():
        raise BundleError(path, "known.category_ids do not ascend")
    return known
