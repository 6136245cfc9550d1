"""The towers of a bundle in torch, exactly as training wrote them, and the mood encoder in either runtime."""

from dataclasses import dataclass
from typing import Self, TypeVar

import torch

from two_tower.bundle import MANIFEST_NAME, Bundle, BundleError
from two_tower.embedding_space import Matrix
from two_tower.encoder_files import CONFIG, TOKENIZER, WEIGHTS
from two_tower.features import Histories, PostInputs
from two_tower.model import PostTensors, PostTower, UserTower, history_tensors
from two_tower.mood_encoders import read_encoder
from two_tower.text_encoder import TextEncoder
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import KnownPosts, TowerArrays, Weights
from two_tower.words import Vocabulary

_Tower = TypeVar("_Tower", UserTower, PostTower)


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

    def embed_posts(self, posts: PostInputs) -> Matrix:
        """Unit embeddings [posts, tower dimension]."""
        with torch.inference_mode():
            representations = self.post_tower.represent(
                PostTensors(
                    text=torch.from_numpy(posts.text),
                    words=torch.from_numpy(posts.words),
                    category_rows=torch.from_numpy(posts.category_rows),
                    post_rows=torch.from_numpy(posts.post_rows),
                )
            )
            return self.post_tower.embed(
                representations, torch.from_numpy(posts.numeric), torch.from_numpy(posts.is_new)
            ).numpy()


def read_mood_encoder(bundle: Bundle) -> TextEncoder:
    """The BERT of a bundle in torch, full weights; errors as read_encoder raises them."""
    return read_encoder(bundle, TextEncoder, files=(CONFIG, TOKENIZER, WEIGHTS))


def _load(kind: type[_Tower], bundle: Bundle, config: TowerConfig, weights: Weights) -> _Tower:
    try:
        tower = kind(config)
        tower.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()}, strict=True)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BundleError(bundle.directory / MANIFEST_NAME, f"field tower: {error}") from error
    return tower.eval()
