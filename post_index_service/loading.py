"""Build the index of a bundle and check it before it answers any request."""

from prometheus_client import Gauge

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from post_index_service.canaries import check_canaries
from post_index_service.index import PostIndex
from post_index_service.recall import measure_recall

RECALL = Gauge("moodfeed_index_recall", "Recall@10 of the current bundle's searches by user over all categories.")


def load(bundle: Bundle) -> PostIndex:
    """Build and check the index of a bundle; raises BundleError if it cannot be trusted."""
    posts = IndexPosts.read(bundle)
    index = PostIndex(posts, bundle_id=bundle.bundle_id, user_weight=bundle.manifest.user_weight)
    check_canaries(index, bundle)  # also warms FAISS up
    index.recall = measure_recall(index, posts)
    posts.let_go_of_pages()
    return index
