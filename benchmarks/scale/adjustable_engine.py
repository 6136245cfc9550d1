"""The engine of Milvus, whose server and effort can be changed between searches: the index above it stays."""

from dataclasses import replace
from typing import Self

from bundle.index_posts import IndexPosts
from post_collection.hits import Collection
from post_index_service.milvus.posts import CollectedPosts
from post_index_service.milvus.scans import MilvusScans
from post_index_service.named_rows import NamedRows
from post_index_service.scans import Certainty


class AdjustableEngine:
    """Makes itself the engine of an index."""

    def __init__(self) -> None:
        """It cannot search before ``use``."""
        self._made_of: tuple[IndexPosts, NamedRows] | None = None
        self._posts: CollectedPosts | None = None

    def __call__(self, posts: IndexPosts, names: NamedRows) -> Self:
        """The engine of an index of these posts."""
        self._made_of = posts, names
        return self

    def use(self, collection: Collection) -> None:
        """Search this collection from now on."""
        assert self._made_of is not None
        self._posts = CollectedPosts(*self._made_of, collection)

    def read(self, read: int) -> None:
        """Search with this effort from now on; ``read`` is as in Effort."""
        collection = self._held.collection
        self.use(replace(collection, effort=replace(collection.effort, read=read)))

    def scans(self, certainty: Certainty, *, seconds: float) -> MilvusScans:
        """Those of one search."""
        return MilvusScans(self._held, certainty, seconds=seconds)

    @property
    def _held(self) -> CollectedPosts:
        assert self._posts is not None
        return self._posts
