"""The newest revisions of the posts that came, changed or went since the bundle."""

from dataclasses import dataclass, replace

from store.posts import Post


@dataclass(frozen=True, slots=True)
class Revision:
    """The newest revision of a post since the bundle: ``post`` is None if it was deleted."""

    position: int
    post: Post | None
    is_pending: bool = False


class LiveRevisions:
    """For one thread that changes them; others may ask for them.

    Posts that are ``pending`` wait for their embeddings; ``category_names`` are those that posts brought.
    """

    def __init__(self) -> None:
        self.pending: set[int] = set()
        self.category_names: dict[int, str] = {}
        self._revisions: dict[int, Revision] = {}
        self._names: dict[int, str] = {}  # external ids by post; a deleted one keeps that which it had
        self._called: dict[str, frozenset[int]] = {}  # posts by external id

    def of(self, post_id: int) -> Revision | None:
        """The newest revision of a post since the bundle; None if nothing has changed."""
        known = self._revisions.get(post_id)
        return None if known is None else replace(known, is_pending=post_id in self.pending)

    def called(self, external_id: str) -> frozenset[int]:
        """The posts that have an external id, or had it when they were deleted."""
        return self._called.get(external_id, frozenset())

    def may_be_called(self, post_id: int, external_id: str) -> bool:
        """Whether a post of the bundle has still got its external id."""
        return self._names.get(post_id, external_id) == external_id

    def is_known(self, post_id: int, position: int) -> bool:
        """Whether a revision, or a newer one, is noted already."""
        known = self._revisions.get(post_id)
        return known is not None and known.position >= position

    def upsert(self, post: Post, position: int) -> None:
        """Note a revision; if searches are to find it, it waits for its embeddings."""
        self._rename(post.post_id, post.external_id)
        if post.category_name and self.category_names.get(post.category_id) != post.category_name:
            self.category_names = self.category_names | {post.category_id: post.category_name}
        if post.description or post.emotions:
            post = replace(post, description="", emotions=())
        self._revisions[post.post_id] = Revision(position, post)
        if post.is_servable:
            self.pending.add(post.post_id)

    def delete(self, post_id: int, position: int) -> None:
        """Note that a post was deleted."""
        self._revisions[post_id] = Revision(position, None)

    def pending_post(self, post_id: int, revision: int) -> Post | None:
        """The post of a revision that waits for its embeddings; None if that one does not."""
        known = self._revisions.get(post_id)
        if known is None or known.position != revision or post_id not in self.pending:
            return None
        return known.post

    def _rename(self, post_id: int, external_id: str) -> None:
        before = self._names.get(post_id, "")
        if before != external_id and before:
            self._called[before] = self._called[before] - {post_id}
        self._names[post_id] = external_id
        if external_id:
            self._called[external_id] = self._called.get(external_id, frozenset()) | {post_id}
