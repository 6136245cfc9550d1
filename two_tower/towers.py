"""Read the towers of a bundle back, exactly as training wrote them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from two_tower.bundle import Bundle, BundleError
from two_tower.bundle_files import POST_TOWER, USER_TOWER, WORDS, read_words
from two_tower.model import PostTower, TowerConfig, UserTower
from two_tower.words import Vocabulary


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
        try:
            config = TowerConfig.from_facts(dict(bundle.manifest.tower))
        except TypeError as error:
            raise BundleError(bundle.directory / "manifest.json", f"tower: {error}") from error
        user_tower, post_tower = UserTower(config), PostTower(config)
        _load(user_tower, bundle.path(USER_TOWER), _read(bundle.path(USER_TOWER)))
        tensors = _read(bundle.path(POST_TOWER))
        try:
            known = KnownPosts(
                numeric=tensors.pop("known.numeric").numpy(),
                category_rows=tensors.pop("known.category_rows").numpy(),
                category_ids=tensors.pop("known.category_ids").numpy(),
                is_new=tensors.pop("known.is_new").numpy(),
            )
        except KeyError as error:
            raise BundleError(bundle.path(POST_TOWER), f"lacks {error}") from error
        _load(post_tower, bundle.path(POST_TOWER), tensors)
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


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise BundleError(path, f"cannot be read as safetensors: {error}") from error


def _load(module: nn.Module, path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise BundleError(path, f"does not fit the manifest's tower: {error}") from error
