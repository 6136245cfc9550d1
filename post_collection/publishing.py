"""Publish a bundle to Milvus: fill its collection, check it, and only then make it the current one."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import Bundle, current_bundle, previous_bundle
from bundle.index_posts import IndexPosts
from bundle.manifest import BundleError
from post_collection.checks import check_canaries, opened
from post_collection.filling import IndexForm, Progress, drop, fill
from post_collection.form import CURRENT_ALIAS, PREFIX, PREVIOUS_ALIAS, collection_name
from post_collection.hits import Collection
from post_collection.server import CollectionError, Server

_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Publishing:
    """Publishes bundles of the directory ``root`` to one server."""

    root: Path
    server: Server
    form: IndexForm
    progress: Progress

    def bring(self, bundle: Bundle) -> None:
        """Fill the collection of a bundle, unless it is there whole, and check it; nobody is told of it yet.

        CollectionError if it does not hold what the bundle does or has another index, MilvusUnavailableError.
        """
        self.remove_old(kept=(collection_name(bundle.bundle_id),))
        posts, name = IndexPosts.read(bundle), collection_name(bundle.bundle_id)
        known = self._known(name, count=len(posts.post_ids))
        if known is not None and known.effort.kind is not self.form.kind:
            raise CollectionError(
                f"the collection {name} has the index {known.effort.kind.value} and may be in use: "
                f"pass --milvus-index {known.effort.kind.value}, or drop the collection first"
            )
        if known is None:
            fill(self.server, name, posts, form=self.form, progress=self.progress)
        collection = opened(self.server, name, count=len(posts.post_ids))
        check_canaries(
            collection,
            posts,
            bundle.manifest.canaries,
            CanaryEmbeddings.read(bundle),
            user_weight=bundle.manifest.user_weight,
        )

    def make_current(self, bundle_id: str) -> None:
        """Point the alias of the current collection at that of a bundle, and the other one at what was current."""
        name, current = collection_name(bundle_id), self.at(CURRENT_ALIAS)
        if current == name:
            return
        if current:
            self._point(PREVIOUS_ALIAS, current)
        self._point(CURRENT_ALIAS, name)

    def remove_old(self, *, kept: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Drop the collections that are neither current, nor previous, nor ``kept``; returns their names.

        Both the aliases and the links of the root count: a rollback without the server moves the links alone.
        """
        wanted = {self.at(CURRENT_ALIAS), self.at(PREVIOUS_ALIAS), *self._linked(), *kept}
        old = tuple(
            name
            for name in self.server.ask("list_collections", seconds=_SECONDS)
            if name.startswith(PREFIX) and name not in wanted
        )
        for name in old:
            drop(self.server, name)
        return old

    def at(self, alias: str) -> str:
        """The name of the collection at which an alias points, empty if there is none."""
        try:
            name: str = self.server.ask("describe_collection", alias, seconds=_SECONDS)["collection_name"]
        except CollectionError:
            return ""
        return name

    def _linked(self) -> set[str]:
        """The names of the collections of the bundles that the root calls current and previous."""
        linked = {previous_bundle(self.root)}
        with suppress(BundleError):  # no bundle is current yet
            linked.add(current_bundle(self.root))
        return {collection_name(directory.name) for directory in linked if directory}

    def _point(self, alias: str, name: str) -> None:
        try:
            self.server.ask("alter_alias", name, alias, seconds=_SECONDS)
        except CollectionError:  # there is no such alias yet
            self.server.ask("create_alias", name, alias, seconds=_SECONDS)

    def _known(self, name: str, *, count: int) -> Collection | None:
        try:
            return opened(self.server, name, count=count)
        except CollectionError:
            return None
