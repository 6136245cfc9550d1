"""Messages of ReorderPosts: what a gateway has merged, and the page that is made of it."""

import numpy as np

from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.exploration import Exploration
from post_index_service.query import Query
from post_index_service.search_errors import InvalidSearchError
from post_index_service.shard_reordering import MergedRanking, ReorderedPosts


def read_merged_ranking(request: post_index_pb2.ReorderPostsRequest) -> MergedRanking:
    """The ranking; InvalidSearchError if its columns have different lengths."""
    candidates = (request.candidate_ids, request.candidate_positives, request.candidate_impressions)
    if len(request.post_ids) != len(request.numbers) or len({len(column) for column in candidates}) > 1:
        raise InvalidSearchError("a ranking has columns of different lengths")
    ids, positives, impressions = (np.array(column, dtype=np.int64) for column in candidates)
    return MergedRanking(
        post_ids=np.array(request.post_ids, dtype=np.int64),
        numbers=np.array(request.numbers, dtype=np.float32),
        pinned=request.pinned_total,
        unseen=request.unseen_total,
        total=request.total,
        candidate_ids=ids,
        candidate_positives=positives,
        candidate_impressions=impressions,
    )


def read_page(request: post_index_pb2.ReorderPostsRequest, *, seconds: float) -> Query:
    """Which page is wanted; the position of the log is waited for up to ``seconds``."""
    share = request.exploration_share
    return Query(
        offset=request.offset,
        limit=request.limit,
        diversity=request.diversity,
        most_per_owner=request.most_per_owner,
        exploration=Exploration(share, request.exploration_seed) if share else None,
        posts_position=request.posts_position if request.HasField("posts_position") else None,
        seconds=seconds,
    )


def write_reordered(page: ReorderedPosts) -> post_index_pb2.ReorderPostsResponse:
    """The page as a message."""
    return post_index_pb2.ReorderPostsResponse(
        needed_count=page.needed,
        post_ids=page.post_ids.tolist(),
        numbers=page.numbers.tolist(),
        has_more=page.has_more,
        explored_post_ids=page.explored.tolist(),
    )
