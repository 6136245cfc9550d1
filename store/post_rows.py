"""Posts, rules and embeddings as rows, and as values again."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, select

from store.errors import InvalidPostError
from store.in_parts import in_parts
from store.interactions import check_text
from store.posts import Post, PostEmbedding, PostRevision
from store.rules import Rule, RuleAction
from store.schema import POST_EMBEDDINGS, POSTS, RULES

_LARGEST_ID = 2**63 - 1

POST_ROWS: Select[Any] = select(POSTS.c.post_id, POSTS.c.position, POSTS.c.external_id, POSTS.c.content)
"""The rows that ``revision_of`` reads."""

EMBEDDING_ROWS: Select[Any] = select(
    POST_EMBEDDINGS.c.post_id,
    POST_EMBEDDINGS.c.revision,
    POST_EMBEDDINGS.c.position,
    POST_EMBEDDINGS.c.tower,
    POST_EMBEDDINGS.c.text,
    POST_EMBEDDINGS.c.representation,
)
"""The rows that ``embedding_of`` reads."""


def check_post(post: Post) -> None:
    """InvalidPostError unless a row can hold the post and something names it; the caller checks the rest."""
    if not 0 <= post.post_id <= _LARGEST_ID:
        raise InvalidPostError(f"post_id: must be 1 to {_LARGEST_ID}, not {post.post_id}")
    if post.post_id == 0 and not post.external_id:
        raise InvalidPostError("post_id: is missing; name the post by post_id or external_id")
    try:
        if post.external_id:
            check_text("external_id", post.external_id)
        post_content(post)
    except ValueError as error:
        raise InvalidPostError(str(error)) from error


def check_rule(rule: Rule) -> None:
    """InvalidPostError unless a row can hold the rule."""
    try:
        check_text("name", rule.name)
        rule_content(rule)
    except ValueError as error:
        raise InvalidPostError(str(error)) from error


def post_content(post: Post) -> bytes:
    """What a row holds of a post beside its ids."""
    fields = asdict(post)
    del fields["post_id"], fields["external_id"]
    return _to_json(fields)


def revision_of(row: Row[Any]) -> PostRevision:
    """The newest revision of a post, of a row of POST_ROWS."""
    post = None if row.content is None else post_of(row.post_id, row.external_id, bytes(row.content))
    return PostRevision(post_id=row.post_id, position=row.position, post=post)


def post_of(post_id: int, external_id: str | None, content: bytes) -> Post:
    """The reverse of ``post_content``."""
    fields = json.loads(content)
    return Post(**{**fields, "emotions": tuple(fields["emotions"])}, post_id=post_id, external_id=external_id or "")


def embedding_of(row: Row[Any]) -> PostEmbedding:
    """The embeddings of a row of EMBEDDING_ROWS."""
    return PostEmbedding(
        post_id=row.post_id,
        revision=row.revision,
        tower=bytes(row.tower),
        text=bytes(row.text),
        representation=bytes(row.representation),
    )


def rule_content(rule: Rule) -> bytes:
    """What a row holds of a rule beside its name."""
    if not math.isfinite(rule.boost):
        raise InvalidPostError(f"boost: must be a finite number, not {rule.boost}")
    fields = {**asdict(rule), "action": rule.action.value}
    del fields["name"]
    return _to_json(fields)


def rule_of(name: str, content: bytes) -> Rule:
    """The reverse of ``rule_content``."""
    fields = json.loads(content)
    lists = {key: tuple(fields[key]) for key in ("post_ids", "category_ids", "owner_usernames")}
    return Rule(**{**fields, **lists, "action": RuleAction(fields["action"])}, name=name)


# Made once: a reader of the tail asks often.
_AT_POSITIONS: BindParameter[Any] = bindparam("positions", expanding=True)
_POSTS_AT = POST_ROWS.where(POSTS.c.position.in_(_AT_POSITIONS))
_EMBEDDINGS_AT = EMBEDDING_ROWS.where(POST_EMBEDDINGS.c.position.in_(_AT_POSITIONS)).order_by(POST_EMBEDDINGS.c.post_id)

_RULES_AT = select(RULES.c.position, RULES.c.name, RULES.c.content).where(RULES.c.position.in_(_AT_POSITIONS))


def posts_at(connection: Connection, positions: Collection[int]) -> Mapping[int, Post]:
    """The posts whose newest revision stands at one of these positions, by position."""
    revisions = [
        revision_of(row) for part in in_parts(positions) for row in connection.execute(_POSTS_AT, {"positions": part})
    ]
    return {revision.position: revision.post for revision in revisions if revision.post is not None}


def embeddings_at(connection: Connection, positions: Collection[int]) -> Mapping[int, tuple[PostEmbedding, ...]]:
    """The embeddings that still stand of those that came at one of these positions, by position and post id."""
    found: dict[int, list[PostEmbedding]] = {}
    for part in in_parts(positions):
        for row in connection.execute(_EMBEDDINGS_AT, {"positions": part}):
            found.setdefault(row.position, []).append(embedding_of(row))
    return {position: tuple(embeddings) for position, embeddings in found.items()}


def rules_at(connection: Connection, positions: Collection[int]) -> Mapping[int, Rule]:
    """The rules that were set last at one of these positions, by position."""
    return {
        position: rule_of(name, bytes(content))
        for part in in_parts(positions)
        for position, name, content in connection.execute(_RULES_AT, {"positions": part})
    }


def _to_json(fields: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidPostError("a text contains an unpaired surrogate and cannot be stored") from None
