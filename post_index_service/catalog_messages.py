"""Posts and rules as messages of the contract."""

from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.post_index.v1 import post_index_pb2
from moodfeed.rules.v1 import rules_pb2
from post_index_service.post_store import KeptPost, Upserted
from rpc.moments import timestamp_of
from store.errors import InvalidPostError
from store.post_rows import check_post
from store.posts import NewPost, Post
from store.rules import Rule, RuleAction


def read_post(message: catalog_pb2.Post, *, now_ms: Callable[[], int]) -> NewPost:
    """The post of a message; InvalidPostError names what no row can hold."""
    has_moment = message.HasField("created_at")
    post = Post(
        post_id=message.post_id,
        category_id=message.category_id,
        video_link=message.video_link,
        created_at_ms=_milliseconds(message.created_at, "created_at") if has_moment else now_ms(),
        category_name=message.category_name,
        title=message.title,
        description=message.description,
        emotions=tuple(message.emotions),
        thumbnail_url=message.thumbnail_url,
        owner_username=message.owner_username,
        language=message.language,
        is_servable=message.is_servable if message.HasField("is_servable") else True,
        external_id=message.external_id,
    )
    if message.HasField("post_id") and message.post_id < 1:
        raise InvalidPostError(f"post_id: must be 1 or more, not {message.post_id}")
    if post.category_id < 1:
        raise InvalidPostError(f"category_id: must be 1 or more, not {post.category_id}")
    check_post(post)
    return NewPost(post=post, keeps_created_at=not has_moment)


def write_upserted(upserted: Upserted) -> post_index_pb2.UpsertPostsResponse:
    """The answer to UpsertPosts."""
    return post_index_pb2.UpsertPostsResponse(
        position=upserted.position,
        results=[
            catalog_pb2.PostResult(result=catalog_pb2.UPSERT_RESULT_REJECTED, reason=result)
            if isinstance(result, str)
            else catalog_pb2.PostResult(result=catalog_pb2.UPSERT_RESULT_ACCEPTED, post_id=result)
            for result in upserted.results
        ],
    )


def write_kept(kept: KeptPost) -> catalog_pb2.KeptPost:
    """A post as it is kept."""
    return catalog_pb2.KeptPost(
        post=catalog_pb2.Post(post_id=kept.post_id) if kept.post is None else _write_post(kept.post),
        state=kept.state.value,
        position=kept.position,
    )


def _write_post(post: Post) -> catalog_pb2.Post:
    return catalog_pb2.Post(
        post_id=post.post_id,
        title=post.title,
        description=post.description,
        emotions=post.emotions,
        category_id=post.category_id,
        category_name=post.category_name,
        video_link=post.video_link,
        thumbnail_url=post.thumbnail_url,
        owner_username=post.owner_username,
        language=post.language,
        is_servable=post.is_servable,
        created_at=timestamp_of(post.created_at_ms) if post.created_at_ms else None,
        external_id=post.external_id,
    )


def read_rule(message: rules_pb2.Rule) -> Rule:
    """The rule of a message; InvalidPostError names what no row can hold."""
    try:
        action = RuleAction(rules_pb2.RuleAction.Name(message.action))
    except ValueError as error:
        raise InvalidPostError(f"action: {message.action} is unknown") from error
    return Rule(
        name=message.name,
        action=action,
        post_ids=tuple(message.post_ids),
        category_ids=tuple(message.category_ids),
        owner_usernames=tuple(message.owner_usernames),
        boost=message.boost,
        feed_category_id=message.feed_category_id if message.HasField("feed_category_id") else None,
        starts_at_ms=_milliseconds(message.starts_at, "starts_at") if message.HasField("starts_at") else None,
        ends_at_ms=_milliseconds(message.ends_at, "ends_at") if message.HasField("ends_at") else None,
    )


def write_rule(rule: Rule) -> rules_pb2.Rule:
    """The message of a rule."""
    return rules_pb2.Rule(
        name=rule.name,
        action=rule.action.value,
        post_ids=rule.post_ids,
        category_ids=rule.category_ids,
        owner_usernames=rule.owner_usernames,
        boost=rule.boost,
        feed_category_id=rule.feed_category_id,
        starts_at=None if rule.starts_at_ms is None else timestamp_of(rule.starts_at_ms),
        ends_at=None if rule.ends_at_ms is None else timestamp_of(rule.ends_at_ms),
    )


def _milliseconds(moment: Timestamp, field: str) -> int:
    try:
        return moment.ToMilliseconds()
    except ValueError as error:
        raise InvalidPostError(f"{field}: is not a time of the years 1 to 9999") from error
