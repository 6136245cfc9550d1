"""Prove the loaded towers before they serve: the canaries' embeddings must come out as training wrote them.

A user's to the rounding of a processor; a mood's as near as the runtime promises.
"""

import numpy as np

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle
from bundle.embedding_space import Embedding, Vector
from bundle.file_names import CANARIES
from bundle.manifest import BundleError
from user_tower_service.encoder import Encoder
from user_tower_service.runtime import SAME_COSINE


def check_canaries(encoder: Encoder, bundle: Bundle) -> None:
    """Encode every canary; BundleError names the first whose embedding is not the stored one."""
    stored = CanaryEmbeddings.read(bundle)
    for canary, user, mood in zip(
        bundle.manifest.canaries, stored.user_embeddings, stored.mood_embeddings, strict=True
    ):
        context = encoder.encode_context(canary.username, canary.mood)
        name = f"the canary {canary.username!r}, mood {canary.mood!r}"
        if not _is_near(context.user, user, SAME_COSINE) or (
            canary.mood and not _is_near(context.mood, mood, encoder.lowest_mood_cosine)
        ):
            raise BundleError(bundle.path(CANARIES), f"{name} is encoded otherwise than at training: export again")


def _is_near(embedding: Embedding | None, expected: Vector, lowest_cosine: float) -> bool:
    return embedding is not None and float(np.dot(embedding.values, expected)) >= lowest_cosine
