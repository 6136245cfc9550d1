"""What this process writes to the store about posts and rules, and reads back before it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bundle.served_posts import ServedPost
from compute.log_tail import LogTail
from post_index_service.index import PostIndex
from rpc.tracing import stage
from store.errors import StoreUnavailableError
from store.port import Store
from store.posts import NewPost, Post, PostRevision
from store.rules import Rule

CATCH_UP_SECONDS = 1.0
"""How long the answer to a write waits until this process has read it back."""


class CatalogError(Exception):
    """A request about posts or rules that this process cannot answer.

    CatalogError
    ├── NoStoreError
    └── RuleNotFoundError
    """


class NoStoreError(CatalogError):
    """There is no store."""

    def __init__(self) -> None:
        super().__init__("posts and rules are not set up: set MOODFEED_STORE_URL for the post index service")


class RuleNotFoundError(CatalogError):
    """There is no rule of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no rule {name!r}")


class PostState(Enum):
    """Where a post stands; each value is the name in the contract."""

    SERVED = "POST_STATE_SERVED"
    PENDING = "POST_STATE_PENDING"
    NOT_SERVABLE = "POST_STATE_NOT_SERVABLE"
    DELETED = "POST_STATE_DELETED"


@dataclass(frozen=True, slots=True)
class KeptPost:
    """A post as it is kept; ``post`` is None if it is deleted, and ``position`` is 0 if only the bundle knows it."""

    post_id: int
    post: Post | None
    state: PostState
    position: int


@dataclass(frozen=True, slots=True)
class Upserted:
    """The position at which all posts can be read, 0 if none was stored.

    ``post_ids`` holds the id of each post, or the text that says why it cannot be stored.
    """

    position: int
    results: tuple[int | str, ...]


class PostStore:
    """Writes through the store of ``log``, None if there is none; every method may be called from several threads.

    ``indexes`` gives the indexes that this process serves, the current one first. Every method raises NoStoreError and
    StoreUnavailableError.
    """

    def __init__(self, indexes: Callable[[], Sequence[PostIndex]], log: LogTail | None) -> None:
        self._indexes = indexes
        self._log = log

    def upsert(self, posts: Sequence[NewPost]) -> Upserted:
        """Keep posts durably; one of an unknown category without a name is not kept, and refuses none of the others."""
        store = self._store()
        named = [self._dated(self._named(new)) for new in posts]
        complaints = self._complaints(named)
        sound = [new for new, complaint in zip(named, complaints, strict=True) if not complaint]
        if not sound:
            return Upserted(0, tuple(complaints))
        with stage("store: upsert posts"):
            position, post_ids = store.upsert_posts(sound)
        self._read_back(position)
        ids = iter(post_ids)
        return Upserted(position, tuple(complaint or next(ids) for complaint in complaints))

    def delete(self, post_ids: Sequence[int], external_ids: Sequence[str]) -> int:
        """Delete posts durably; gives the position from which on they are gone.

        StoreUnavailableError as well if this process does not get to know of it in time: then it may show them still.
        """
        store = self._store()
        wanted = list(dict.fromkeys([*post_ids, *self._called(external_ids, store)]))
        if not wanted:
            return store.position()
        with stage("store: delete posts"):
            position = store.delete_posts(wanted)
        if not self._read_back(position):
            raise StoreUnavailableError(
                "the posts are deleted, but this process cannot read the log and may show them still: try again later"
            )
        return position

    def get(self, post_ids: Sequence[int], external_ids: Sequence[str]) -> tuple[KeptPost, ...]:
        """The posts that the store or the bundle knows, ascending by id."""
        store = self._store()
        wanted = sorted({*post_ids, *self._called(external_ids, store)})
        index = self._indexes()[0]
        with stage("store: get posts"):
            kept = store.posts_by_id(wanted)
        of_bundle = index.bundle_posts([post_id for post_id in wanted if post_id not in kept])
        found = [self._of_store(index, revision) for revision in kept.values()]
        found += [KeptPost(post_id, _post_of(post), PostState.SERVED, 0) for post_id, post in of_bundle.items()]
        return tuple(sorted(found, key=lambda item: item.post_id))

    def set_rule(self, rule: Rule) -> int:
        """Keep a rule durably; gives the position from which on it counts."""
        store = self._store()
        with stage("store: set rule"):
            position = store.set_rule(rule)
        self._read_back(position)
        return position

    def delete_rule(self, name: str) -> int:
        """Delete a rule; gives the position from which on it does not count. Raises RuleNotFoundError."""
        store = self._store()
        with stage("store: delete rule"):
            position = store.delete_rule(name)
        if position is None:
            raise RuleNotFoundError(name)
        self._read_back(position)
        return position

    def rules(self) -> tuple[Rule, ...]:
        """All rules, ascending by name."""
        store = self._store()
        with stage("store: list rules"):
            return store.rules()

    def _store(self) -> Store:
        if self._log is None:
            raise NoStoreError
        return self._log.store

    def _read_back(self, position: int) -> bool:
        """Have all indexes of this process know what was written up to a position."""
        log = self._log
        if log is None:
            return False
        with stage("read log"):
            reached = [log.reach(index.live, position, seconds=CATCH_UP_SECONDS) for index in self._indexes()]
        return all(reached)

    def _called(self, external_ids: Sequence[str], store: Store) -> list[int]:
        """The posts with these external ids; the store tells what a post of the bundle is called since."""
        if not external_ids:
            return []
        of_store = store.posts_called(external_ids)
        index = self._indexes()[0]
        of_bundle = {post_id for name in external_ids for post_id in index.ids_called(name, in_bundle=True)}
        revisions = store.posts_by_id(sorted(of_bundle.difference(of_store))).values()
        renamed = {revision.post_id for revision in revisions if revision.post is not None}
        return [*of_store, *sorted(of_bundle.difference(of_store, renamed))]

    def _named(self, new: NewPost) -> NewPost:
        """The post with its id, if a post of the bundle has its external id; the store knows those that came since."""
        if new.post.post_id or not new.post.external_id:
            return new
        of_bundle = self._indexes()[0].ids_called(new.post.external_id, in_bundle=True)
        return new.with_id(of_bundle[0]) if of_bundle else new

    def _dated(self, new: NewPost) -> NewPost:
        """The post with the moment that the bundle has of it, if none is given; the store has that of later changes."""
        moment = self._indexes()[0].made_at_ms(new.post.post_id) if new.keeps_created_at else None
        return new if moment is None else replace(new, post=replace(new.post, created_at_ms=moment))

    def _complaints(self, posts: Sequence[NewPost]) -> list[str]:
        """What speaks against each post; empty if it can be stored."""
        named = set(self._indexes()[0].named_categories())
        complaints = []
        for new in posts:
            post = new.post
            if post.category_name:
                named.add(post.category_id)
            is_new = post.category_id not in named
            complaints.append(f"category_name: is missing; category {post.category_id} is new" if is_new else "")
        return complaints

    def _of_store(self, index: PostIndex, revision: PostRevision) -> KeptPost:
        post = revision.post
        if post is None:
            state = PostState.DELETED
        elif not post.is_servable:
            state = PostState.NOT_SERVABLE
        else:
            state = PostState.SERVED if index.serves(post.post_id, revision.position) else PostState.PENDING
        return KeptPost(revision.post_id, post, state, revision.position)


def _post_of(post: ServedPost) -> Post:
    return Post(
        post_id=post.post_id,
        category_id=post.category_id,
        video_link=post.video_link,
        created_at_ms=0,
        title=post.title,
        thumbnail_url=post.thumbnail_url,
        owner_username=post.owner_username,
        external_id=post.external_id,
    )
