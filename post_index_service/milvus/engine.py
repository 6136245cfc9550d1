"""The engine of one bundle whose vectors a Milvus server searches."""

from dataclasses import dataclass

from bundle.directory import Bundle
from bundle.index_posts import IndexPosts
from bundle.manifest import BundleError
from post_collection.checks import opened
from post_collection.form import collection_name
from post_collection.hits import Collection
from post_collection.server import CollectionError, MilvusUnavailableError, Server
from post_index_service.milvus.posts import CollectedPosts
from post_index_service.milvus.scans import MilvusScans
from post_index_service.named_rows import NamedRows
from post_index_service.scans import Certainty


@dataclass(frozen=True, slots=True)
class MilvusEngine:
    """Finds the vectors of one bundle in its collection."""

    posts: CollectedPosts

    def scans(self, certainty: Certainty, *, seconds: float) -> MilvusScans:
        """Those of one search."""
        return MilvusScans(self.posts, certainty, seconds=seconds)


@dataclass(frozen=True, slots=True)
class EngineOfCollection:
    """Makes the engine of the bundle that a collection holds."""

    collection: Collection

    def __call__(self, posts: IndexPosts, names: NamedRows) -> MilvusEngine:
        """The engine."""
        return MilvusEngine(CollectedPosts(posts, names, self.collection))


@dataclass(frozen=True, slots=True)
class EngineOfServer:
    """Finds the collections of bundles on one server; ``must_be_exact`` refuses those whose index may miss posts.

    ``read`` is as in Effort.
    """

    server: Server
    must_be_exact: bool
    read: int = 0

    def __call__(self, bundle: Bundle, posts: IndexPosts) -> EngineOfCollection:
        """The engine of a bundle; BundleError if there is no whole collection of it."""
        try:
            collection = opened(
                self.server, collection_name(bundle.bundle_id), count=len(posts.post_ids), read=self.read
            )
        except (CollectionError, MilvusUnavailableError) as error:
            raise BundleError(bundle.directory, str(error)) from error
        if self.must_be_exact and not collection.effort.is_exact:
            raise BundleError(
                bundle.directory,
                f"the bundle's collection has the index {collection.effort.kind.value}, which may miss posts: set "
                "MOODFEED_POST_INDEX_MILVUS_SEARCH=fast, or drop the collection and publish with --milvus-index FLAT",
            )
        return EngineOfCollection(collection)
