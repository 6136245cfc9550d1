"""Read the towers of a bundle back, exactly as training wrote them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from two_tower.bundle import MANIFEST_NAME, Bundle, BundleError
from two_tower.bundle_files import MOOD_ENCODER, POST_TOWER, USER_TOWER, WORDS, read_words
from two_tower.features import NUMERIC_FEATURES
from two_tower.model import PostTower, TowerConfig, UserTower
from two_tower.text_encoder import CONFIG, TOKENIZER, WEIGHTS, TextEncoder, TextEncoderError
from two_tower.words import Vocabulary

_Tower = TypeVar("_Tower", UserTower, PostTower)


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
class Towers:
    """Both towers in inference mode."""

    config: TowerConfig
    user_tower: UserTower
    post_tower: PostTower
    vocabulary: Vocabulary
    known: KnownPosts

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Rebuild the towers strictly: BundleError names the file that lacks a weight or holds one too many."""
        config = _read_config(bundle)
        path = bundle.path(POST_TOWER)
        tensors = _read(path)
        known = _take_known_posts(path, tensors, config)
        user_tower = _load(UserTower, config, bundle.path(USER_TOWER), _read(bundle.path(USER_TOWER)))
        post_tower = _load(PostTower, config, path, tensors)
        words = read_words(bundle)
        if len(words) != config.word_count:
            raise BundleError(bundle.path(WORDS), f"has {len(words)} words, the manifest's tower {config.word_count}")
        return cls(
            config=config,
            user_tower=user_tower.eval(),
            post_tower=post_tower.eval(),
            vocabulary=Vocabulary(words),
            known=known,
        )


def read_mood_encoder(bundle: Bundle) -> TextEncoder:
    """The BERT of a bundle; BundleError names the file that is no part of one, or of one of another dimension."""
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        bundle.path(f"{MOOD_ENCODER}/{name}")
    try:
        encoder = TextEncoder(bundle.directory / MOOD_ENCODER)
    except TextEncoderError as error:
        raise BundleError(error.path, error.reason) from error
    if encoder.dimension != bundle.manifest.text_dimension:
        raise BundleError(
            bundle.directory / MOOD_ENCODER / CONFIG,
            f"embeds in {encoder.dimension} dimensions, the manifest says {bundle.manifest.text_dimension}",
        )
    return encoder


def _read_config(bundle: Bundle) -> TowerConfig:
    """The manifest's facts, types and sizes checked: none of them can make a tower larger than its file."""
    path = bundle.directory / MANIFEST_NAME
    facts = dict(bundle.manifest.tower)
    try:
        config = TowerConfig.from_facts(facts)
        TypeAdapter(TowerConfig).validate_json(json.dumps(facts), strict=True)
        with torch.device("meta"):  # shapes without memory
            UserTower(config), PostTower(config)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(path, f"field tower.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BundleError(path, f"field tower: {error}") from error
    sizes = [value for value in facts.values() if isinstance(value, int) and not isinstance(value, bool)]
    if min(sizes) < 1 or config.representation_dimension % config.heads or config.new_post_bonus < 0:
        raise BundleError(path, "field tower: a size is below 1, or the heads do not divide the representation")
    for name in ("tower_dimension", "text_dimension"):
        if getattr(config, name) != getattr(bundle.manifest, name):
            raise BundleError(path, f"field tower.{name}: {getattr(config, name)} is not the manifest's {name}")
    return config


def _read(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise BundleError(path, f"{name} is {tensor.dtype}, expected {torch.float32}")
        if not tensor.isfinite().all():
            raise BundleError(path, f"{name} holds a value that is not finite")
    return tensors


def _take_known_posts(path: Path, tensors: dict[str, Tensor], config: TowerConfig) -> KnownPosts:
    """Take the arrays that are no weights out of the tensors."""
    posts, categories = config.post_count, config.category_count
    expected = {
        "numeric": (torch.float32, (posts, len(NUMERIC_FEATURES))),
        "category_rows": (torch.int64, (posts,)),
        "category_ids": (torch.int64, (categories - 1,)),
        "is_new": (torch.bool, (posts,)),
    }
    arrays = {}
    for name, (dtype, shape) in expected.items():
        tensor = tensors.pop(f"known.{name}", None)
        if tensor is None:
            raise BundleError(path, f"lacks known.{name}")
        if tensor.dtype != dtype or tuple(tensor.shape) != shape:
            raise BundleError(
                path, f"known.{name} is {tensor.dtype} {tuple(tensor.shape)}, the manifest's tower has {dtype} {shape}"
            )
        arrays[name] = tensor.numpy()
    known = KnownPosts(**arrays)
    if ((known.category_rows < 0) | (known.category_rows >= categories)).any():
        raise BundleError(path, "known.category_rows names a category that known.category_ids does not hold")
    if (known.category_ids[1:] <= known.category_ids[:-1]).any():
        raise BundleError(path, "known.category_ids do not ascend")
    return known


def _load(kind: type[_Tower], config: TowerConfig, path: Path, tensors: dict[str, Tensor]) -> _Tower:
    try:
        with torch.device("meta"):
            expected = {name: weight.shape for name, weight in kind(config).state_dict().items()}
        found = {name: tensor.shape for name, tensor in tensors.items()}
        if expected != found:
            names = sorted(name for name, _ in expected.items() ^ found.items())
            raise BundleError(path, f"does not fit the manifest's tower: {names[0]} is missing, foreign or misshapen")
        tower = kind(config)
        tower.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise BundleError(path, f"does not fit the manifest's tower: {error}") from error
    return tower
