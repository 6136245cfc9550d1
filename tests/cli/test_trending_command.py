"""`moodfeed trending`, and the fallback of `moodfeed feed`."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc

POST = feed_pb2.FeedPost(post_id=50, title="loud", category_id=7, owner_username="ana", score=4.5, ranking_score=5.5)


class Gateway(feed_pb2_grpc.FeedServiceServicer):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def GetFeed(self, request, context):  # noqa: N802
        self.asked.append(request)
        return feed_pb2.GetFeedResponse(posts=[POST], bundle_id="ab" * 32, ranking=feed_pb2.RANKING_TRENDING)

    def ListTrending(self, request, context):  # noqa: N802
        self.asked.append(request)
        return feed_pb2.ListTrendingResponse(posts=[POST], bundle_id="ab" * 32, position=9)

    def ListCategories(self, request, context):  # noqa: N802
        return feed_pb2.ListCategoriesResponse(
            categories=[feed_pb2.Category(category_id=7, name="Loud Lane", post_count=1)]
        )


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    servicer = Gateway()
    server = grpc.server(ThreadPoolExecutor(1))
    feed_pb2_grpc.add_FeedServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("MOODFEED_GATEWAY_GRPC_ADDRESS", f"127.0.0.1:{port}")
    yield servicer
    server.stop(0).wait()


def test_the_trends_are_asked_for_and_shown_with_their_scores(gateway: Gateway) -> None:
    done = CliRunner().invoke(app, ["trending", "--category", "7", "--page-size", "3"], env={"COLUMNS": "120"})
    assert done.exit_code == 0
    assert gateway.asked == [feed_pb2.ListTrendingRequest(category_id=7, page_size=3)]
    for word in ("Trending in category 7", "Loud Lane", "4.500", "RANKING_TRENDING"):
        assert word in done.stdout


def test_the_trends_are_printed_as_json(gateway: Gateway) -> None:
    done = CliRunner().invoke(app, ["trending", "--json"])
    assert [post["post_id"] for post in json.loads(done.stdout)["posts"]] == ["50"]
    assert gateway.asked == [feed_pb2.ListTrendingRequest(page_size=10)]


@pytest.mark.parametrize(
    ("arguments", "fallback"),
    [([], feed_pb2.FALLBACK_NONE), (["--fallback", "trending"], feed_pb2.FALLBACK_TRENDING)],
)
def test_a_fallback_goes_with_the_request(gateway: Gateway, arguments: list[str], fallback: int) -> None:
    assert CliRunner().invoke(app, ["feed", "a stranger", *arguments, "--json"]).exit_code == 0
    assert gateway.asked[0].fallback == fallback
