"""What a shard needs to reorder the merged ranking of all shards, and the page that comes of it.

How posts are reordered is known to the index alone: the gateway tells one shard the start of the merged ranking.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from gateway.feed_types import Search
from gateway.shard_calls import Answers
from gateway.shard_merge import PINNED, MergedPost
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.post_index.v1 import post_index_pb2

_BLOCK = 100  # posts beyond those of a page that are looked at, at most; if more are needed, the shard says so


class PagePost(NamedTuple):
    """A post of a page: the shard that holds it, and its place there; None if it is further back than was asked for.

    ``number`` is what orders it, None for the one that its shard has given it.
    """

    shard: int
    place: int | None
    post_id: int
    number: float | None
    is_explored: bool = False


def reads_more(search: Search[embedding_pb2.Embedding]) -> int:
    """How many posts after those of the page are read, so that the page can be reordered."""
    if not (search.diversity or search.most_per_owner):
        return 0
    return _BLOCK + (search.offset + search.limit if search.most_per_owner else 0)


def is_explored(answers: Answers) -> bool:
    """Whether a page explores: all shards know what was shown, and some have candidates."""
    return all(answer.explores for answer in answers.values()) and any(
        answer.candidate_ids for answer in answers.values()
    )


def most_held_by(answers: Answers, window: Sequence[MergedPost]) -> int:
    """The shard that holds most of the posts: it has their vectors in memory already."""
    held = Counter(post.answer for post in window)
    return max(enumerate(answers), key=lambda numbered: held[numbered[0]])[1]


def plain_page(answers: Answers, window: Sequence[MergedPost]) -> Sequence[PagePost]:
    """The posts of a page that is not reordered, without those that are not shown."""
    numbers = list(answers)
    return [
        PagePost(numbers[post.answer], post.place, 0, post.number if post.is_renumbered else None)
        for post in window
        if not post.is_withheld
    ]


def reorder_request(
    answers: Answers,
    window: Sequence[MergedPost],
    search: Search[embedding_pb2.Embedding],
    asked: post_index_pb2.SearchPostsRequest,
) -> post_index_pb2.ReorderPostsRequest:
    """What a shard is told of a search that was ``asked`` of all shards; ``window`` is the start of its ranking."""
    ranked = list(answers.values())
    columns = [
        (-number, post_id, positives, impressions)
        for answer in ranked
        for number, post_id, positives, impressions in zip(
            answer.candidate_numbers,
            answer.candidate_ids,
            answer.candidate_positives,
            answer.candidate_impressions,
            strict=True,
        )
    ]
    columns.sort()
    return post_index_pb2.ReorderPostsRequest(
        bundle_id=asked.bundle_id,
        posts_position=asked.posts_position if asked.HasField("posts_position") else None,
        post_ids=[ranked[post.answer].post_ids[post.place] for post in window],
        numbers=[post.number for post in window],
        pinned_total=sum(kind & PINNED for answer in ranked for kind in answer.kinds),
        unseen_total=sum(answer.unseen_total for answer in ranked),
        total=sum(answer.total for answer in ranked),
        offset=search.offset,
        limit=search.limit,
        diversity=search.diversity,
        most_per_owner=search.most_per_owner,
        exploration_share=search.exploration_share,
        exploration_seed=search.exploration_seed,
        candidate_ids=[post_id for _, post_id, _, _ in columns],
        candidate_positives=[positives for _, _, positives, _ in columns],
        candidate_impressions=[impressions for _, _, _, impressions in columns],
    )


def reordered_page(
    answers: Answers, window: Sequence[MergedPost], found: post_index_pb2.ReorderPostsResponse
) -> Sequence[PagePost]:
    """The posts of a page that a shard has made of the start of a ranking, without those that are not shown."""
    shards = list(answers)
    place_of = {answers[shards[post.answer]].post_ids[post.place]: post for post in window}
    candidates_of = {post_id: shard for shard, answer in answers.items() for post_id in answer.candidate_ids}
    explored = frozenset(found.explored_post_ids)
    page = []
    for post_id, number in zip(found.post_ids, found.numbers, strict=True):
        post = place_of.get(post_id)
        if post is None:
            page.append(PagePost(candidates_of[post_id], None, post_id, number, is_explored=True))
        elif not post.is_withheld:
            shard = shards[post.answer]
            page.append(PagePost(shard, post.place, post_id, number, is_explored=post_id in explored))
    return page
