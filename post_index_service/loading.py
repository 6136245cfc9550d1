"""Build the index of a bundle and check it before it answers any request."""

import math
import time
from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from post_index_service.canaries import check_canaries
from post_index_service.index import PostIndex
from post_index_service.kept_moments import DEFAULT_KEPT_SECONDS
from post_index_service.orders import MOST_DENSE
from post_index_service.recall import measure_recall
from post_index_service.scans import EngineOf

RECALL = Gauge("moodfeed_index_recall", "Recall@10 of the current bundle's searches by user over all categories.")


PENDING = Gauge("moodfeed_index_pending_posts", "Posts that wait for their embeddings of the current bundle.")
SERVABLE = Gauge("moodfeed_index_servable_posts", "Posts of the current bundle, and live ones, that feeds may show.")
LONGEST_WAIT_SECONDS = 120.0
"""How long a new bundle waits for embeddings at most: a post that nobody can encode must not hold back all bundles."""
_NOTE_SECONDS = 10.0
_LOOK_SECONDS = 0.05

EngineOfBundle = Callable[[Bundle, IndexPosts], EngineOf]
"""Finds the engine of a bundle, or raises BundleError."""

_log = structlog.get_logger("post_index_service.loading")


def load(
    bundle: Bundle,
    *,
    log: LogTail | None = None,
    kept_seconds: float = DEFAULT_KEPT_SECONDS,
    explores: bool = False,
    shards: int = 1,
    shard: int = 0,
    engine_of: EngineOfBundle | None = None,
    most_dense: int = MOST_DENSE,
) -> PostIndex:
    """Build and check the index of a bundle; raises BundleError if it cannot be trusted.

    Another engine than our own is made by ``engine_of``. Slices of at most ``most_dense`` posts are multiplied here.

    With a ``log``, it has read all that the log holds, unless the log cannot be read now. What posts were is kept for
    ``kept_seconds``. What was shown is counted if the index ``explores``. It ranks the posts of one ``shard`` of
    ``shards`` alone.
    """
    posts = IndexPosts.read(bundle)
    index = PostIndex(
        posts,
        bundle_id=bundle.bundle_id,
        user_weight=bundle.manifest.user_weight,
        trends=PostTrends.read(bundle, count=len(posts.posts)),
        steps=PostSteps.read(bundle, count=len(posts.posts)),
        blend=bundle.manifest.blend,
        log=log,
        log_position=bundle.manifest.log_position,
        kept_seconds=kept_seconds,
        explores=explores,
        shards=shards,
        shard=shard,
        most_dense=most_dense,
        engine=engine_of(bundle, posts) if engine_of else None,
    )
    if not index.shard.is_whole:
        rows = index.shard.rows(posts.category_ids)
        tell = _log.info if rows.stop > rows.start else _log.warning  # more shards than categories leave some empty
        tell("shard", shard=index.shard.name, bundle_id=bundle.bundle_id, posts=rows.stop - rows.start)
    check_canaries(index, bundle)  # also warms FAISS up
    index.recall = measure_recall(index, posts)
    posts.let_go_of_pages()
    if log is not None:
        log.read_up(index.trends)
        log.read_up(index.live)
        if index.impressions is not None:
            log.read_up(index.impressions)
    return index


def wait_until_encoded(index: PostIndex, is_over: Callable[[], bool], *, seconds: float = LONGEST_WAIT_SECONDS) -> None:
    """Wait until the posts that came since the bundle are encoded for it, or ``is_over``; logs how many lack.

    After ``seconds`` it waits no longer, and says so: the posts that are left follow once they are encoded.
    """
    noted_at, until = -math.inf, time.monotonic() + seconds
    while (missing := index.live.pending_count) and not is_over():
        if time.monotonic() >= until:
            _log.warning("bundle goes on without embeddings", bundle_id=index.bundle_id, missing=missing)
            return
        if time.monotonic() - noted_at >= _NOTE_SECONDS:
            noted_at = time.monotonic()
            _log.info("bundle waits for embeddings", bundle_id=index.bundle_id, missing=missing)
        time.sleep(_LOOK_SECONDS)
