"""Check loaded models before they serve: they must reproduce the embeddings of the canaries that training wrote.

A user's embedding must be equal up to the rounding of the processor, a mood's up to the error of the runtime.
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
    """Encode every canary; BundleError names the first whose embedding differs from the stored one."""
    stored = CanaryEmbeddings.read(bundle)
    for canary, user, mood in zip(
        bundle.manifest.canaries, stored.user_embeddings, stored.mood_embeddings, strict=True
    ):
        context = encoder.encode_context(canary.username, canary.mood, is_live=False)
        name = f"the canary {canary.username!r}, mood {canary.mood!r}"
        if not _is_near(context.user, user, SAME_COSINE) or (
            canary.mood and not _is_near(context.mood, mood, encoder.lowest_mood_cosine)
        ):
            raise BundleError(
                bundle.path(CANARIES), f"{name} does not have the embedding that training gave it: export again"
            )


def _is_near(embedding: Embedding | None, expected: Vector, lowest_cosine: float) -> bool:
    return embedding is not None and float(np.dot(embedding.values, expected)) >= lowest_cosine
