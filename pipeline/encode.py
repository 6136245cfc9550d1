"""Run trained towers over a dataset: its posts, and its users' histories."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.compared_users import ByHistory
from pipeline.dataset import Dataset
from pipeline.train import Fitted
from pipeline.trained_towers import TrainedTowers
from two_tower.features import window_histories
from two_tower.model import PostTensors, history_tensors, welcome_new_posts

_USERS_AT_ONCE = 1024
_POSTS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class EncodedPosts:
    """All posts of a dataset, in its order.

    ``numeric`` float32 [posts, features], ``representations`` float32 [posts, representation dimension],
    ``embeddings`` float32 [posts, tower dimension] with unit rows.
    """

    numeric: NDArray[np.float32]
    representations: NDArray[np.float32]
    embeddings: NDArray[np.float32]


def encode_posts(towers: TrainedTowers | Fitted, dataset: Dataset) -> EncodedPosts:
    """Encode every post as of the dataset's newest moment."""
    numeric, is_new = dataset.numeric(dataset.end_day), ~dataset.is_met
    words = towers.vocabulary.rows_of(dataset.texts)
    count = len(dataset.post_ids)
    encoded = EncodedPosts(
        numeric=numeric,
        representations=np.empty((count, towers.config.representation_dimension), dtype=np.float32),
        embeddings=np.empty((count, towers.config.tower_dimension), dtype=np.float32),
    )
    for start in range(0, count, _POSTS_AT_ONCE):
        rows = slice(start, min(start + _POSTS_AT_ONCE, count))
        with torch.inference_mode():
            representations = towers.post_tower.represent(
                PostTensors(
                    text=torch.from_numpy(dataset.text[rows].copy()),
                    words=torch.from_numpy(words[rows]),
                    category_rows=torch.from_numpy(dataset.category_rows[rows]),
                    post_rows=torch.arange(rows.start, rows.stop),
                )
            )
            embeddings = towers.post_tower.embed(
                representations, torch.from_numpy(numeric[rows]), torch.from_numpy(is_new[rows])
            )
        encoded.representations[rows], encoded.embeddings[rows] = representations.numpy(), embeddings.numpy()
    return encoded


def encode_users(
    towers: TrainedTowers | Fitted, dataset: Dataset, posts: EncodedPosts, user_rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Encode users' whole histories at the dataset's newest moment: float32 [users, tower dimension], unit rows."""
    users = ByHistory(towers.user_tower) if isinstance(towers, TrainedTowers) else towers.users
    pairs = dataset.pairs
    representations = torch.from_numpy(posts.representations)
    pieces = [np.zeros((0, towers.config.tower_dimension), dtype=np.float32)]
    for start in range(0, len(user_rows), _USERS_AT_ONCE):
        rows = user_rows[start : start + _USERS_AT_ONCE]
        histories = window_histories(
            pairs.offsets[rows],
            pairs.offsets[rows + 1],
            np.full(len(rows), dataset.end_day),
            rows=pairs.post_rows,
            verbs=pairs.verbs,
            strengths=pairs.strengths,
            days=pairs.days,
            length=towers.config.history_length,
        )
        with torch.inference_mode():
            vectors = users(representations, history_tensors(histories), torch.from_numpy(rows))
            pieces.append(welcome_new_posts(vectors, towers.config.new_post_bonus).numpy())
    return np.concatenate(pieces)
