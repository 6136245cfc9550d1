"""Build the index of a bundle and check it before it answers any request."""

from prometheus_client import Gauge

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from post_index_service.canaries import check_canaries
from post_index_service.index import PostIndex
from post_index_service.recall import measure_recall

RECALL = Gauge("moodfeed_index_recall", "Recall@10 of the current bundle's searches by user over all categories.")


def load(bundle: Bundle, *, log: LogTail | None = None) -> PostIndex:
    """Build and check the index of a bundle; raises BundleError if it cannot be trusted.

    With a ``log``, its trends have counted all that the log holds, unless the log cannot be read now.
    """
    posts = IndexPosts.read(bundle)
    index = PostIndex(
        posts,
        bundle_id=bundle.bundle_id,
        user_weight=bundle.manifest.user_weight,
        trends=PostTrends.read(bundle, count=len(posts.posts)),
        log=log,
        log_position=bundle.manifest.log_position,
    )
    check_canaries(index, bundle)  # also warms FAISS up
    index.recall = measure_recall(index, posts)
    posts.let_go_of_pages()
    if log is not None:
        log.read_up(index.trends)
    return index
