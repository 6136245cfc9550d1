"""The towers of a bundle over newer data: nothing is trained, and what training did not know counts as new."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bundle.directory import Bundle
from bundle.known_users import HistoryPosts
from pipeline.dataset import Dataset, DatasetError
from pipeline.trained_towers import TrainedTowers
from two_tower.model import PostTower, UserTower
from two_tower.tower_files import TowerArrays, Weights


def refreshed_towers(bundle: Bundle, dataset: Dataset) -> TrainedTowers:
    """The towers of ``bundle`` for the posts and categories of ``dataset``.

    A post that the bundle lacks has no identity, and a category that it lacks is none: as serving has them. A dataset
    of posts that the bundle holds gets the bundle's embeddings to the last bit, but for what has happened since.
    DatasetError if the texts have another dimension than those that the towers were trained on.
    """
    arrays = TowerArrays.read(bundle)
    if dataset.text.shape[1] != arrays.config.text_dimension:
        raise DatasetError(
            f"the posts were embedded in {dataset.text.shape[1]} dimensions, bundle {bundle.bundle_id[:12]} in "
            f"{arrays.config.text_dimension}: run `moodfeed build`"
        )
    config = replace(arrays.config, post_count=len(dataset.post_ids), category_count=len(dataset.category_ids) + 1)
    post_weights = arrays.post_tower | {
        "identity.weight": _rows(
            arrays.post_tower["identity.weight"],
            HistoryPosts.read(bundle).post_ids,
            dataset.post_ids,
            missing=np.zeros(config.representation_dimension, dtype=np.float32),
        ),
        "category.weight": _category_rows(arrays.post_tower["category.weight"], arrays.known.category_ids, dataset),
    }
    user_tower, post_tower = UserTower(config), PostTower(config)
    user_tower.load_state_dict(_tensors(arrays.user_tower), strict=True)
    post_tower.load_state_dict(_tensors(post_weights), strict=True)
    return TrainedTowers(
        config=config,
        user_tower=user_tower.eval(),
        post_tower=post_tower.eval(),
        vocabulary=arrays.vocabulary,
        epochs=(),
        data_fingerprint=dataset.fingerprint(),
    )


def _category_rows(weights: NDArray[np.float32], known: NDArray[np.int64], dataset: Dataset) -> NDArray[np.float32]:
    """Row 0 is that of posts without a category, and of categories that training did not know."""
    rows = _rows(weights[1:], known, dataset.category_ids, missing=weights[0])
    return np.concatenate([weights[:1], rows])


def _rows(
    weights: NDArray[np.float32],
    ids: NDArray[np.int64],
    wanted: NDArray[np.int64],
    *,
    missing: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The rows of ``wanted`` ids, of weights [ids, width] whose ids ascend; ``missing`` [width] where there is none."""
    rows = np.searchsorted(ids, wanted)
    is_known = np.isin(wanted, ids)
    found = np.broadcast_to(missing, (len(wanted), len(missing))).copy()
    found[is_known] = weights[rows[is_known]]
    return found


def _tensors(weights: Weights) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()}
