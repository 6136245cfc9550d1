"""How posts and their embeddings are written, inside a transaction that has locked the log."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, select

from store.bulk_rows import insert_rows, rows_where_in
from store.head import move_head
from store.in_parts import in_parts
from store.log_entries import EntryKind
from store.post_rows import POST_ROWS, post_content, revision_of
from store.posts import FIRST_GIVEN_ID, NewPost, Post, PostEmbedding, PostRevision
from store.schema import LOG, POST_EMBEDDINGS, POSTS

_Row = tuple[object, ...]  # in the order of the table's columns


@dataclass(frozen=True, slots=True)
class PostChanges:
    """What one call changes: posts to upsert, or ids to delete."""

    upserts: tuple[NewPost, ...] = ()
    deletions: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.upserts) + len(self.deletions)


@dataclass(frozen=True, slots=True)
class ChangedPosts:
    """The position at which all changes of a call can be read, and the id of each post that was upserted."""

    position: int
    post_ids: tuple[int, ...]


def write_changes(connection: Connection, calls: Sequence[PostChanges], head: int) -> list[ChangedPosts]:
    """Write the changes of several calls after position ``head``, in their order."""
    batch = _Batch.begin(connection, calls, head)
    answers = [batch.apply(call) for call in calls]
    batch.write(connection)
    return answers


def write_embeddings(connection: Connection, bundle_id: str, embeddings: Sequence[PostEmbedding], head: int) -> int:
    """Write the embeddings of newest revisions that are not there yet; gives the position of the entry, or 0."""
    wanted = {embedding.post_id: embedding for embedding in embeddings}
    newest = select(POSTS.c.post_id, POSTS.c.position).where(POSTS.c.content.is_not(None))  # null in deleted ones
    is_newest = {
        post_id
        for part in in_parts(wanted)
        for post_id, position in connection.execute(newest.where(POSTS.c.post_id.in_(part)))
        if wanted[post_id].revision == position
    }
    columns = (POST_EMBEDDINGS.c.post_id, POST_EMBEDDINGS.c.bundle_id)
    kept = rows_where_in(connection, columns, POST_EMBEDDINGS.c.post_id, is_newest)
    missing = is_newest - {post_id for post_id, bundle in kept if bundle == bundle_id}
    if not missing:
        return 0
    position = head + 1
    new = [wanted[post_id] for post_id in sorted(missing)]
    insert_rows(
        connection,
        POST_EMBEDDINGS,
        [
            (each.post_id, bundle_id, each.revision, position, each.tower, each.text, each.representation)
            for each in new
        ],
    )
    connection.execute(
        LOG.insert().values(position=position, kind=EntryKind.POSTS_EMBEDDED, body=bundle_id.encode("utf-8"))
    )
    move_head(connection, position)
    return position


@dataclass(slots=True)
class _Batch:
    """What is known of the posts before, and what the calls make of them."""

    head: int
    newest: dict[int, PostRevision]
    external_ids: dict[int, str]  # by post, also of deleted ones
    named: dict[str, set[int]]  # posts by external id
    changed: set[int] = field(default_factory=set)
    log: list[_Row] = field(default_factory=list)

    @classmethod
    def begin(cls, connection: Connection, calls: Sequence[PostChanges], head: int) -> "_Batch":
        posts = [new.post for call in calls for new in call.upserts]
        ids = {post.post_id for post in posts} | {post_id for call in calls for post_id in call.deletions}
        names = {post.external_id for post in posts if post.external_id}
        named = rows_where_in(connection, (POSTS.c.post_id,), POSTS.c.external_id, names)
        rows = [
            row
            for part in in_parts(ids.union(post_id for (post_id,) in named))
            for row in connection.execute(POST_ROWS.where(POSTS.c.post_id.in_(part)))
        ]
        batch = cls(head=head, newest={row.post_id: revision_of(row) for row in rows}, external_ids={}, named={})
        for row in rows:
            batch._name(row.post_id, row.external_id or "")
        return batch

    def apply(self, call: PostChanges) -> ChangedPosts:
        post_ids = tuple(self._upsert(new) for new in call.upserts)
        for post_id in call.deletions:
            self._change(post_id, EntryKind.POST_DELETED, None)
        return ChangedPosts(self.head, post_ids)

    def _upsert(self, new: NewPost) -> int:
        post = new.post
        post_id = post.post_id or self._newest_named(post.external_id) or FIRST_GIVEN_ID + self.head + 1
        before = self.newest.get(post_id)
        if new.keeps_created_at and before is not None and before.post is not None:
            post = replace(post, created_at_ms=before.post.created_at_ms)
        self._change(post_id, EntryKind.POST_UPSERTED, replace(post, post_id=post_id))
        self._name(post_id, post.external_id)
        return post_id

    def _newest_named(self, external_id: str) -> int | None:
        named = self.named.get(external_id)
        return max(named, key=lambda post_id: self.newest[post_id].position) if named else None

    def _name(self, post_id: int, external_id: str) -> None:
        self.named.get(self.external_ids.get(post_id, ""), set()).discard(post_id)
        self.external_ids[post_id] = external_id
        if external_id:
            self.named.setdefault(external_id, set()).add(post_id)

    def _change(self, post_id: int, kind: EntryKind, post: Post | None) -> None:
        self.head += 1
        self.newest[post_id] = PostRevision(post_id=post_id, position=self.head, post=post)
        self.changed.add(post_id)
        values = {"position": self.head, "kind": int(kind), "post_id": post_id}
        self.log.append(tuple(values.get(column.name) for column in LOG.columns))

    def write(self, connection: Connection) -> None:
        _delete_where_in(connection, self.changed)
        insert_rows(connection, POSTS, [self._row(self.newest[post_id]) for post_id in sorted(self.changed)])
        insert_rows(connection, LOG, self.log)
        move_head(connection, self.head)

    def _row(self, revision: PostRevision) -> _Row:
        content = None if revision.post is None else post_content(revision.post)
        return (revision.post_id, revision.position, self.external_ids.get(revision.post_id) or None, content)


def _delete_where_in(connection: Connection, post_ids: Collection[int]) -> None:
    """Delete posts with the embeddings of what was their newest revision."""
    parts: Iterable[list[int]] = in_parts(post_ids)
    for part in parts:
        connection.execute(delete(POST_EMBEDDINGS).where(POST_EMBEDDINGS.c.post_id.in_(part)))
        connection.execute(delete(POSTS).where(POSTS.c.post_id.in_(part)))
