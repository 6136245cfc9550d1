"""Reads what a search is asked for from a message."""

from compute.embedding_messages import read_embedding, read_recent_history
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.exploration import Exploration
from post_index_service.filters import NO_FILTERS, Filters
from post_index_service.query import Query


def read_query(request: post_index_pb2.SearchPostsRequest, *, seconds: float) -> Query:
    """What is searched for; a position of the log is waited for up to ``seconds``."""
    return Query(
        user=read_embedding(request.user_embedding) if request.HasField("user_embedding") else None,
        mood=read_embedding(request.mood_embedding) if request.HasField("mood_embedding") else None,
        category_id=request.category_id if request.HasField("category_id") else None,
        exclude_post_ids=request.exclude_post_ids,
        exclude_external_ids=request.exclude_external_ids,
        seen_post_ids=request.seen_post_ids,
        not_interested_post_ids=request.not_interested_post_ids,
        withheld_post_ids=request.withheld_post_ids,
        offset=request.offset,
        limit=request.limit,
        trending=request.trending,
        counted_position=request.counted_position if request.HasField("counted_position") else None,
        at_least_position=request.at_least_position,
        posts_position=request.posts_position if request.HasField("posts_position") else None,
        rules_moment_ms=request.rules_moment_ms if request.HasField("rules_moment_ms") else None,
        similar_to_post_id=request.similar_to_post_id if request.HasField("similar_to_post_id") else None,
        similar_to_external_id=request.similar_to_external_id,
        seconds=seconds,
        filters=_read_filters(request),
        diversity=request.diversity,
        most_per_owner=request.most_per_owner,
        explain=request.explain,
        exploration=_read_exploration(request),
        recent_history=read_recent_history(request.recent_history),
    )


def _read_filters(request: post_index_pb2.SearchPostsRequest) -> Filters:
    if not (
        request.category_ids
        or request.excluded_category_ids
        or request.excluded_owner_usernames
        or request.languages
        or request.HasField("created_after_ms")
    ):
        return NO_FILTERS
    return Filters(
        category_ids=tuple(request.category_ids),
        excluded_category_ids=tuple(request.excluded_category_ids),
        excluded_owner_usernames=tuple(request.excluded_owner_usernames),
        created_after_ms=request.created_after_ms if request.HasField("created_after_ms") else None,
        languages=tuple(request.languages),
    )


def _read_exploration(request: post_index_pb2.SearchPostsRequest) -> Exploration | None:
    return Exploration(request.exploration_share, request.exploration_seed) if request.exploration_share else None
