"""Posts, their embeddings and the operators' rules over SQL: the port's methods, each a transaction or a read."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete, select
from typing_extensions import override

from store.bulk_rows import rows_where_in
from store.engine import lift_time_limits, reading, snapshot
from store.head import move_head
from store.in_parts import in_parts
from store.interactions import check_text
from store.log_entries import EntryKind
from store.port import Posts, Rules
from store.post_rows import (
    EMBEDDING_ROWS,
    POST_ROWS,
    check_post,
    check_rule,
    embedding_of,
    revision_of,
    rule_content,
    rule_of,
)
from store.post_writing import ChangedPosts, PostChanges, write_changes, write_embeddings
from store.posts import NewPost, PostEmbedding, PostRevision
from store.rules import Rule
from store.schema import LOG, POST_EMBEDDINGS, POSTS, RULES
from store.sql_writer import SqlWriter
from store.write_turns import WriteTurns

_MOST_TOGETHER = 1000  # posts of one transaction


class SqlPosts(Posts):
    """``Posts`` over SQLite or PostgreSQL."""

    def __init__(self, writer: SqlWriter) -> None:
        self._writer = writer
        self._changes: WriteTurns[PostChanges, ChangedPosts] = WriteTurns(
            self._change_together, size=len, most=_MOST_TOGETHER, turn=writer.turn
        )

    @override
    def upsert_posts(self, posts: Sequence[NewPost]) -> tuple[int, tuple[int, ...]]:
        for new in posts:
            check_post(new.post)
        changed = self._changes.submit(PostChanges(upserts=tuple(posts)))
        return changed.position, changed.post_ids

    @override
    def delete_posts(self, post_ids: Sequence[int]) -> int:
        return self._changes.submit(PostChanges(deletions=tuple(post_ids))).position

    def _change_together(self, calls: Sequence[PostChanges]) -> Sequence[ChangedPosts]:
        with self._writer.transaction() as (connection, head):
            return write_changes(connection, calls, head.position)

    @override
    def post_revisions(self, *, after: int = 0) -> tuple[PostRevision, ...]:
        with snapshot(self._writer.engine) as connection:
            lift_time_limits(connection)
            rows = connection.execute(POST_ROWS.where(POSTS.c.position > after).order_by(POSTS.c.position))
            return tuple(map(revision_of, rows))

    @override
    def posts_by_id(self, post_ids: Sequence[int]) -> Mapping[int, PostRevision]:
        with snapshot(self._writer.engine) as connection:
            return {
                row.post_id: revision_of(row)
                for part in in_parts(set(post_ids))
                for row in connection.execute(POST_ROWS.where(POSTS.c.post_id.in_(part)))
            }

    @override
    def posts_called(self, external_ids: Collection[str]) -> tuple[int, ...]:
        with snapshot(self._writer.engine) as connection:
            found = rows_where_in(connection, (POSTS.c.post_id,), POSTS.c.external_id, set(external_ids))
            return tuple(sorted(post_id for (post_id,) in found))

    @override
    def keep_embeddings(self, bundle_id: str, embeddings: Sequence[PostEmbedding]) -> int:
        check_text("bundle_id", bundle_id)
        if not embeddings:
            return 0
        with self._writer.in_turn() as (connection, head):
            return write_embeddings(connection, bundle_id, embeddings, head.position)

    @override
    def embeddings(self, bundle_id: str, *, after: int = 0) -> tuple[PostEmbedding, ...]:
        table = POST_EMBEDDINGS.c
        with snapshot(self._writer.engine) as connection:
            lift_time_limits(connection)
            rows = connection.execute(
                EMBEDDING_ROWS.where(table.bundle_id == bundle_id, table.revision > after).order_by(table.revision)
            )
            return tuple(map(embedding_of, rows))

    @override
    def forget_embeddings(self, *, but_of: Iterable[str]) -> int:
        with self._writer.in_turn() as (connection, _head):
            lift_time_limits(connection)
            return connection.execute(
                delete(POST_EMBEDDINGS).where(POST_EMBEDDINGS.c.bundle_id.not_in(list(but_of)))
            ).rowcount


class SqlRules(Rules):
    """``Rules`` over SQLite or PostgreSQL."""

    def __init__(self, writer: SqlWriter) -> None:
        self._writer = writer

    @override
    def set_rule(self, rule: Rule) -> int:
        check_rule(rule)
        with self._writer.in_turn() as (connection, head):
            position = head.position + 1
            connection.execute(delete(RULES).where(RULES.c.name == rule.name))
            connection.execute(RULES.insert().values(name=rule.name, position=position, content=rule_content(rule)))
            body = rule.name.encode("utf-8")
            connection.execute(LOG.insert().values(position=position, kind=EntryKind.RULE_SET, body=body))
            move_head(connection, position)
            return position

    @override
    def delete_rule(self, name: str) -> int | None:
        try:
            check_text("name", name)
        except ValueError:  # no rule can have such a name
            return None
        with self._writer.in_turn() as (connection, head):
            if not connection.execute(delete(RULES).where(RULES.c.name == name)).rowcount:
                return None
            position = head.position + 1
            body = name.encode("utf-8")
            connection.execute(LOG.insert().values(position=position, kind=EntryKind.RULE_DELETED, body=body))
            move_head(connection, position)
            return position

    @override
    def rules(self) -> tuple[Rule, ...]:
        with reading(self._writer.engine) as connection:
            rows = connection.execute(select(RULES.c.name, RULES.c.content).order_by(RULES.c.name))
            return tuple(rule_of(row.name, bytes(row.content)) for row in rows)
