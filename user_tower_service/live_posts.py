"""The posts that came after the bundles, as histories need them: their representations, and their external ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bundle.embedding_space import Vector
from store.log_entries import Entry, PostDeleted, PostsEmbedded, PostUpserted
from store.port import Posts

_MOST_KEPT = 4  # representations of one post: pages that began before a change are answered as of then


@dataclass(frozen=True, slots=True)
class Represented:
    """How histories see a post from ``position`` on: float32 [representation dimension], None if it was deleted."""

    position: int
    values: Vector | None


@dataclass(frozen=True, slots=True)
class Named:
    """The post that an external id names from ``position`` on."""

    position: int
    post_id: int


@dataclass(frozen=True, slots=True)
class NewPosts:
    """What a bundle may lack: representations by post, oldest first, and posts by their external ids."""

    represented: Mapping[int, tuple[Represented, ...]]
    named: Mapping[str, Named]


_NONE: Mapping[int, tuple[Represented, ...]] = {}


@dataclass(slots=True)
class LivePosts:
    """The live posts of all bundles. One thread writes, many read: the values of the maps are replaced whole."""

    named: dict[str, Named] = field(default_factory=dict)
    _of_bundles: dict[str, dict[int, tuple[Represented, ...]]] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)  # the last external id of each post
    _met: set[int | str] = field(default_factory=set)  # what live interactions are about

    def begin(self, posts: Posts) -> None:
        """Read the names of the posts that the bundles hold."""
        for revision in posts.post_revisions():
            if revision.post is not None and revision.post.external_id:
                self._name(revision.post.external_id, revision.position, revision.post_id)

    def of_bundle(self, bundle_id: str) -> NewPosts:
        """The live posts with embeddings for a bundle."""
        return NewPosts(self._of_bundles.get(bundle_id, _NONE), self.named)

    def note_meeting(self, post_id: int | None, external_id: str | None) -> None:
        """Remember that somebody has met a post, perhaps before it came."""
        self._met.update(key for key in (post_id, external_id) if key is not None)

    def apply(self, entry: Entry) -> bool:
        """Take in the next entry; whether it may change the history of somebody."""
        match entry:
            case PostUpserted(position=position, post_id=post_id, post=post) if post is not None:
                if self._names.get(post_id, "") == post.external_id:
                    return False
                self._unname(post_id)
                if post.external_id:
                    self._name(post.external_id, position, post_id)
                return post.external_id in self._met
            case PostDeleted(position=position, post_id=post_id):
                for held in self._of_bundles.values():
                    if post_id in held:
                        _append(held, post_id, Represented(position, None))
                is_met = self._is_met(post_id)
                self._unname(post_id)
                return is_met
            case PostsEmbedded(position=position, bundle_id=bundle_id, embeddings=embeddings):
                held = self._of_bundles.setdefault(bundle_id, {})
                for embedding in embeddings:
                    if embedding.representation:
                        values = np.frombuffer(embedding.representation, dtype="<f4")
                        _append(held, embedding.post_id, Represented(position, values))
                return any(self._is_met(embedding.post_id) for embedding in embeddings)
        return False

    def let_go(self, base: int, *, met: Iterable[tuple[int | None, str | None]]) -> None:
        """Forget what came up to ``base``: no bundle that is held needs it. ``met`` names what is met later."""
        self._met = set()
        for post_id, external_id in met:
            self.note_meeting(post_id, external_id)
        for bundle_id, held in list(self._of_bundles.items()):
            self._of_bundles[bundle_id] = {
                post_id: changes for post_id, changes in held.items() if changes[-1].position > base
            }
            if not self._of_bundles[bundle_id]:
                del self._of_bundles[bundle_id]

    def _name(self, external_id: str, position: int, post_id: int) -> None:
        self.named[external_id] = Named(position, post_id)
        self._names[post_id] = external_id

    def _unname(self, post_id: int) -> None:
        name = self._names.pop(post_id, None)
        named = None if name is None else self.named.get(name)  # another post may have had the same one, and be gone
        if name is not None and named is not None and named.post_id == post_id:
            del self.named[name]

    def _is_met(self, post_id: int) -> bool:
        return post_id in self._met or self._names.get(post_id) in self._met


def _append(held: dict[int, tuple[Represented, ...]], post_id: int, change: Represented) -> None:
    held[post_id] = (*held.get(post_id, ()), change)[-_MOST_KEPT:]
