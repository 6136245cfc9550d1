"""The towers of a bundle as checked arrays; the towers in torch and those in NumPy are both built from them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from bundle.array_checks import check_finite, is_ascending
from bundle.array_files import Arrays, read_any_arrays
from bundle.directory import Bundle
from bundle.file_names import MANIFEST_NAME, POST_TOWER, USER_TOWER, WORDS
from bundle.manifest import BundleError
from bundle.text_files import read_texts, write_texts
from bundle.verbs import VERBS
from two_tower.features import NUMERIC_FEATURES
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

Weights = dict[str, NDArray[np.float32]]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class KnownPosts:
    """The posts and categories that existed when the post tower was trained.

    ``numeric`` float32 [posts, features], ``category_rows`` int64 [posts] (0 = none), ``category_ids`` int64
    [categories] ascending (row ``i + 1`` is category ``i``), ``is_new`` bool [posts]: no user had interacted with it.
    """

    numeric: NDArray[np.float32]
    category_rows: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    is_new: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TowerArrays:
    """The weights of both towers under their names in training: finite float32 of the shapes given below."""

    config: TowerConfig
    user_tower: Weights
    post_tower: Weights
    vocabulary: Vocabulary
    known: KnownPosts

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read strictly: BundleError names the file with a missing, unknown or misshapen weight."""
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
    """Write the post tower's vocabulary, in order."""
    write_texts(directory / WORDS, words)


def read_words(bundle: Bundle) -> tuple[str, ...]:
    """Read the post tower's vocabulary; BundleError names the line that is not a text."""
    return read_texts(bundle.path(WORDS))


def user_tower_shapes(config: TowerConfig) -> Shapes:
    """The shape of each weight of model.UserTower."""
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
    shapes |= {"mean_scale": ()} if config.taste_from_mean else {}
    return shapes | ({"order": (config.history_length,)} if config.order_decay else {})


def post_tower_shapes(config: TowerConfig) -> Shapes:
    """The shape of each weight of model.PostTower."""
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
    """The tower's facts in the manifest, with types and ranges checked; whether the files fit is checked by shape."""
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
    if config.representation_dimension >= config.learned_dimension:
        raise BundleError(path, "field tower: the representation leaves no room for the trend in an embedding")
    for name in ("tower_dimension", "text_dimension"):
        if getattr(config, name) != getattr(bundle.manifest, name):
            raise BundleError(path, f"field tower.{name}: {getattr(config, name)} is not the manifest's {name}")
    return config


def _read(path: Path) -> Arrays:
    arrays = read_any_arrays(path)
    check_finite(path, arrays)
    return arrays


def _check_weights(path: Path, weights: Arrays, shapes: Shapes) -> None:
    for name, weight in weights.items():
        if weight.dtype != np.float32:
            raise BundleError(path, f"{name} is {weight.dtype}, expected float32")
    found = {name: weight.shape for name, weight in weights.items()}
    if found != shapes:
        name = min(name for name, _ in shapes.items() ^ found.items())
        raise BundleError(path, f"does not fit the manifest's tower: {name} is missing, unknown or misshapen")


def _take_known_posts(path: Path, arrays: Arrays, config: TowerConfig) -> KnownPosts:
    """Remove from ``arrays`` those that are not weights, check them and return them."""
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
        raise BundleError(path, "known.category_rows holds a row that is not in known.category_ids")
    if not is_ascending(known.category_ids):
        raise BundleError(path, "known.category_ids do not ascend")
    return known
