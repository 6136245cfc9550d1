"""Check a loaded index before it serves: it must rank the canaries' posts as the export recorded them."""

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle
from bundle.embedding_space import Embedding
from bundle.file_names import CANARIES
from bundle.manifest import BundleError, Canary
from post_index_service.index import PostIndex
from post_index_service.query import Query

_NEAR_TIE = 1e-5  # scores this close may be ordered differently on another kind of processor


def check_canaries(index: PostIndex, bundle: Bundle) -> None:
    """Search for every canary; raises BundleError that names the first one with an unexpected ranking."""
    stored = CanaryEmbeddings.read(bundle)
    for canary, user, mood in zip(
        bundle.manifest.canaries, stored.user_embeddings, stored.mood_embeddings, strict=True
    ):
        query = Query(
            user=Embedding(index.tower_space, user),
            mood=Embedding(index.text_space, mood) if canary.mood else None,
            category_id=canary.category_id,
            limit=max(len(canary.post_ids), 1),
            may_blend=False,  # the towers and the scans are checked; what people meet now is no fact of the bundle
        )
        if canary.category_id is not None and not index.shard.has(canary.category_id):
            continue
        if not _is_expected(index, query, canary):
            name = f"the canary {canary.username!r}, mood {canary.mood!r}"
            raise BundleError(bundle.path(CANARIES), f"{name} ranks other posts than at export; export again")


def _is_expected(index: PostIndex, query: Query, canary: Canary) -> bool:
    """A shard's posts must be among the canary's in the canary's order, and before all others."""
    found = index.search(query).posts
    known = index.held_ids(canary.post_ids)
    expected = [pair for pair in zip(canary.post_ids, canary.scores, strict=True) if pair[0] in known]
    return (not index.shard.is_whole or len(found) == len(expected)) and all(
        ranked.post.post_id == post_id or abs(ranked.score - score) <= _NEAR_TIE
        for ranked, (post_id, score) in zip(found[: len(expected)], expected, strict=True)
    )
