"""Feeds of a blend: of one process as of three, page by page, while people go on."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.synthetic import Size, write_synthetic_bundle
from bundle.blend import Blend
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from tests.embedded.test_one_process import comparable, feed_of, running

SIZE = Size(posts=300, users=20, categories=2, category_posts=100)
BLEND = Blend(popularity=1.0, tower=2.0, tower_history=3.0, lasting=0.6, followers=0.3, order=0.3)
NEWEST_MS = 1_700_000_000_000  # of the synthetic bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundles")
    write_synthetic_bundle(root, SIZE, seed=1, blend=BLEND)
    return root


def record(channel: grpc.Channel, username: str, *post_ids: int, minutes: int = 0) -> int:
    moment = Timestamp()
    moment.FromMilliseconds(NEWEST_MS + 60_000 * minutes)
    answer = feedback_pb2_grpc.FeedbackServiceStub(channel).RecordInteractions(
        feedback_pb2.RecordInteractionsRequest(
            interactions=[
                feedback_pb2.Interaction(
                    username=username,
                    post_id=post_id,
                    verb=feedback_pb2.VERB_VIEW,
                    occurred_at=moment,
                    event_id=f"{username} {post_id} {minutes}",
                )
                for post_id in post_ids
            ]
        ),
        timeout=20,
    )
    return int(answer.position)


def pages_of(channel: grpc.Channel, between: Iterator[int], **fields: object) -> list[feed_pb2.GetFeedResponse]:
    """All pages; somebody does something between any two."""
    found = [feed_of(channel, **fields, page_size=40)]
    while found[-1].next_page_token:
        number = next(between)
        record(channel, f"passer-by {number}", *range(1 + number % 200, 40 + number % 200), minutes=number)
        found.append(feed_of(channel, **fields, page_size=40, page_token=found[-1].next_page_token))
    return found


def test_feeds_of_a_blend_are_those_of_three_processes_and_their_pages_fit_together(
    bundles: Path, tmp_path: Path
) -> None:
    answers = []
    for name, is_one in (("three", False), ("one", True)):
        url = f"sqlite:///{tmp_path}/{name}.sqlite"
        with (
            running(bundles, tmp_path / name, embedded=is_one, STORE_URL=url) as (addresses, _),
            grpc.insecure_channel(addresses.gateway_grpc) as channel,
        ):
            numbers = iter(range(1, 1000))
            found = [page for who in ("user1", "user7") for page in pages_of(channel, numbers, username=who)]
            position = record(channel, "somebody new", 3, 4, minutes=1)
            new = feed_of(channel, username="somebody new", at_least_position=position, explain=True)
            found += pages_of(channel, numbers, username="user1", category_id=2)
            assert new.ranking == feed_pb2.RANKING_USER
            assert {post.explanation.HasField("popularity_share") for post in new.posts} == {True}
            assert max(post.explanation.category_lift for post in new.posts) > 1
        answers.append([comparable(page) for page in [*found, new]])
        for first in (0, 8):
            ids = [post.post_id for page in found[first : first + 8] for post in page.posts]
            assert sorted(ids) == list(range(1, 301))
            numbers_of = [post.ranking_score for page in found[first : first + 8] for post in page.posts]
            assert numbers_of == sorted(numbers_of, reverse=True)
    assert _first_pages(answers[0]) == _first_pages(answers[1])


def _first_pages(found: list[feed_pb2.GetFeedResponse]) -> list[list[int]]:
    """Of the feed that was asked for before anybody did anything: later ones count up to where each was read."""
    return [[post.post_id for post in page.posts] for page in found[:8]]
