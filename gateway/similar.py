"""What distinguishes similar posts from a feed: they are like a post, and nobody needs to be known."""

from gateway.feed_types import FeedRequest, InvalidPostError, SimilarTo
from gateway.feedback_types import LONGEST_NAME
from gateway.field_checks import RejectedError, check_not_empty, check_post_id, check_text

KIND = "similar"
"""The kind of the digests of page tokens."""


def check_similar_to(post: SimilarTo) -> None:
    """InvalidPostError unless it can name a post."""
    try:
        if post.post_id or not post.external_id:
            check_post_id(post.post_id, "post_id")
        else:
            check_not_empty(post.external_id, "external_id")
            check_text(post.external_id, "external_id", LONGEST_NAME)
    except RejectedError as error:
        raise InvalidPostError(str(error)) from error


def asked_for(request: FeedRequest) -> str:
    """What a page token is bound to in place of the mood, which similar posts do not have."""
    post = request.similar_to
    if post is None:
        return request.mood
    return f"post {post.post_id}" if post.post_id else f"external {post.external_id}"
