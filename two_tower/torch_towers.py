"""The towers of a bundle in torch, exactly as training wrote them."""

from dataclasses import dataclass
from typing import Self, TypeVar

import torch

from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import MANIFEST_NAME
from bundle.manifest import BundleError
from two_tower.features import Histories, PostInputs
from two_tower.model import PostTensors, PostTower, UserTower, history_tensors
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import KnownPosts, TowerArrays, Weights
from two_tower.words import Vocabulary

_Tower = TypeVar("_Tower", UserTower, PostTower)


@dataclass(frozen=True, slots=True)
class TorchTowers:
    """Both towers in inference mode; safe to call from several threads."""

    config: TowerConfig
    user_tower: UserTower
    post_tower: PostTower
    vocabulary: Vocabulary
    known: KnownPosts

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Build the towers strictly: BundleError names the file with a missing, unknown or misshapen weight."""
        arrays = TowerArrays.read(bundle)
        return cls(
            config=arrays.config,
            user_tower=_load(UserTower, bundle, arrays.config, arrays.user_tower),
            post_tower=_load(PostTower, bundle, arrays.config, arrays.post_tower),
            vocabulary=arrays.vocabulary,
            known=arrays.known,
        )

    def embed_users(self, representations: Matrix, histories: Histories) -> Matrix:
        """Unit embeddings [users, tower dimension] of histories over ``representations`` [posts, width]."""
        with torch.inference_mode():
            return self.user_tower.embed(torch.from_numpy(representations), history_tensors(histories)).numpy()

    def represent_posts(self, posts: PostInputs) -> Matrix:
        """Posts as histories hold them: representations [posts, width]."""
        with torch.inference_mode():
            return self.post_tower.represent(
                PostTensors(
                    text=torch.from_numpy(posts.text),
                    words=torch.from_numpy(posts.words),
                    category_rows=torch.from_numpy(posts.category_rows),
                    post_rows=torch.from_numpy(posts.post_rows),
                )
            ).numpy()

    def embed_posts(self, posts: PostInputs) -> Matrix:
        """Unit embeddings [posts, tower dimension]."""
        representations = torch.from_numpy(self.represent_posts(posts))
        with torch.inference_mode():
            return self.post_tower.embed(
                representations, torch.from_numpy(posts.numeric), torch.from_numpy(posts.is_new)
            ).numpy()


def _load(kind: type[_Tower], bundle: Bundle, config: TowerConfig, weights: Weights) -> _Tower:
    try:
        tower = kind(config)
        tower.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()}, strict=True)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BundleError(bundle.directory / MANIFEST_NAME, f"field tower: {error}") from error
    return tower.eval()
