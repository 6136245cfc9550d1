"""Checks a collection against its bundle: the number of posts, that it is loaded, and the canaries' results."""

from collections.abc import Sequence

import numpy as np

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.embedding_space import Vector, in_float32
from bundle.index_posts import IndexPosts
from bundle.manifest import Canary
from post_collection.form import CATEGORY, EMBEDDING, IndexKind, side_by_side
from post_collection.hits import Collection, Effort
from post_collection.server import CollectionError, Server

_SECONDS = 30.0
_LOAD_SECONDS = 600.0
_NEAR_TIE = 1e-5  # scores this close may be ordered differently
_FOUND = 64  # hits among which the posts of a canary are looked for
_LEAST_RECALL = 0.9  # of the canaries' posts, where the index may miss some


def opened(server: Server, name: str, *, count: int, read: int = 0) -> Collection:
    """The collection, loaded and with ``count`` posts; ``read`` is as in Effort.

    Raises CollectionError if it is not so, and MilvusUnavailableError.
    """
    if not server.ask("has_collection", name, seconds=_SECONDS):
        raise CollectionError(f"Milvus has no collection {name}: run {_publish(server)}")
    description = server.ask("describe_index", name, EMBEDDING, seconds=_SECONDS)
    if description is None:
        raise CollectionError(f"the collection {name} has no index: run {_publish(server)} again")
    server.ask("load_collection", name, seconds=_LOAD_SECONDS)
    answer = server.ask("query", name, output_fields=["count(*)"], consistency_level="Strong", seconds=_SECONDS)
    if (stored := int(answer[0]["count(*)"])) != count:
        raise CollectionError(
            f"the collection {name} has {stored} posts, the bundle {count}: run {_publish(server)} again"
        )
    return Collection(
        server, name, Effort(IndexKind(description["index_type"]), int(description.get("nlist", 0)), read)
    )


def _publish(server: Server) -> str:
    return f"`moodfeed publish BUNDLE --milvus {server.uri}`"


def check_canaries(
    collection: Collection,
    posts: IndexPosts,
    canaries: Sequence[Canary],
    stored: CanaryEmbeddings,
    *,
    user_weight: float,
) -> None:
    """CollectionError if a canary's posts are not those that the collection finds.

    Of one whose index may miss posts, a tenth of them may be missing.
    """
    dimensions = posts.tower_embeddings.shape[1], posts.text_embeddings.shape[1]
    missing = wanted = 0
    for canary, user, mood in zip(canaries, stored.user_embeddings, stored.mood_embeddings, strict=True):
        weight = np.float32(user_weight if canary.mood else 1)
        query = side_by_side(weight * user, mood if canary.mood else None, dimensions=dimensions)
        expression = "" if canary.category_id is None else f"{CATEGORY} == {canary.category_id}"
        found = collection.nearest(query, _FOUND, expression=expression, seconds=_SECONDS)
        best = _numbers(posts, canary.post_ids, query)
        known = set(found.post_ids.tolist())
        least = float(found.scores[-1]) if len(found.scores) == _FOUND else -np.inf
        missing += sum(
            post_id not in known and not number <= least + _NEAR_TIE  # nor is a score that is not a number
            for post_id, number in zip(canary.post_ids, best, strict=True)
        )
        wanted += len(canary.post_ids)
    if missing > (0 if collection.effort.is_exact else (1 - _LEAST_RECALL) * wanted):
        raise CollectionError(
            f"the collection {collection.name} does not find {missing} of the canaries' {wanted} posts: drop it, "
            f"and run {_publish(collection.server)} again"
        )


def _numbers(posts: IndexPosts, post_ids: Sequence[int], query: Vector) -> list[float]:
    """The numbers that order some posts of the bundle."""
    order = np.argsort(posts.post_ids, kind="stable")
    rows = order[np.minimum(posts.post_ids.searchsorted(post_ids, sorter=order), len(order) - 1)]
    vectors = np.concatenate([posts.tower_embeddings[rows], in_float32(posts.text_embeddings[rows])], axis=1)
    numbers: list[float] = (vectors @ query).tolist()
    return numbers
