"""Make the index of a bundle, and prove it, before anybody is answered from it."""

from prometheus_client import Gauge

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from post_index_service.canaries import check_canaries
from post_index_service.index import PostIndex
from post_index_service.recall import measure_recall

RECALL = Gauge("moodfeed_index_recall", "Recall@10 of searches by user over all categories, of the current bundle.")


def load(bundle: Bundle) -> PostIndex:
    """Make and prove the index of a bundle; BundleError if it cannot be trusted."""
    posts = IndexPosts.read(bundle)
    index = PostIndex(posts, bundle_id=bundle.bundle_id, user_weight=bundle.manifest.user_weight)
    check_canaries(index, bundle)  # warms FAISS too
    index.recall = measure_recall(index, posts)
    posts.let_go_of_pages()
    return index
