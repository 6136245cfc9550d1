"""Ask a running gateway over gRPC, and show feeds as tables."""

from collections.abc import Sequence

import grpc
from google.protobuf.json_format import MessageToJson
from rich.table import Table
from rich.text import Text

from cli.gateway_access import GatewayAccess, bearer, is_unreachable
from cli.terminal_text import plain
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.channel import open_blocking_channel

_CALL_SECONDS = 10.0
_LONGEST_TITLE = 48  # characters


class FeedRefusedError(Exception):
    """The gateway answered with an error: its status and its message."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")


def ask_for_feed(
    gateway: GatewayAccess, *, username: str, category_id: int | None = None, mood: str = "", page_size: int = 0
) -> feed_pb2.GetFeedResponse:
    """One page of a feed; FeedRefusedError if the gateway refuses the request or cannot be reached."""
    request = feed_pb2.GetFeedRequest(username=username, category_id=category_id, mood=mood, page_size=page_size)
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer: feed_pb2.GetFeedResponse = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(
                request, metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise _refusal(error, gateway.address) from error
    return answer


def ask_for_categories(gateway: GatewayAccess) -> tuple[feed_pb2.Category, ...]:
    """All valid categories; FeedRefusedError if the gateway refuses the request or cannot be reached."""
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer = feed_pb2_grpc.FeedServiceStub(channel).ListCategories(
                feed_pb2.ListCategoriesRequest(), metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise _refusal(error, gateway.address) from error
    return tuple(answer.categories)


def feed_table(feed: feed_pb2.GetFeedResponse, *, title: str, categories: Sequence[feed_pb2.Category] = ()) -> Table:
    """A feed for a person to read; a category that is not among ``categories`` is shown by its id.

    External ids are shown if a post has one, and the number that the order follows if that is not the score.
    """
    names = {category.category_id: category.name for category in categories}
    has_external_ids = any(post.external_id for post in feed.posts)
    is_by_score = feed.ranking == feed_pb2.RANKING_USER
    table = Table(title=plain(title), title_justify="left", caption=_caption(feed), caption_justify="left")
    headings = ["#", "post", *(["external id"] if has_external_ids else []), "category", "title", "owner", "score"]
    headings += [] if is_by_score else ["ranking"]
    for heading in headings:
        table.add_column(heading, justify="right" if heading in {"#", "post", "score", "ranking"} else "left")
    for number, post in enumerate(feed.posts, start=1):
        text = " ".join(post.title.split())
        shown = text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…"
        table.add_row(
            str(number),
            str(post.post_id),
            *([plain(post.external_id)] if has_external_ids else []),
            plain(names.get(post.category_id) or str(post.category_id or "–")),
            plain(shown) if shown else Text("(no title)", style="dim"),
            plain(post.owner_username),
            f"{post.score:.3f}",
            *([] if is_by_score else [f"{post.ranking_score:.3f}"]),
        )
    return table


def feed_json(feed: feed_pb2.GetFeedResponse) -> str:
    """A feed for a program to read: protobuf's JSON with the contract's field names."""
    return MessageToJson(feed, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _caption(feed: feed_pb2.GetFeedResponse) -> str:
    more = "more pages follow" if feed.next_page_token else "last page"
    return f"{feed_pb2.Ranking.Name(feed.ranking)}, bundle {feed.bundle_id[:12]}, {more}"


def _refusal(error: grpc.RpcError, address: str) -> FeedRefusedError:
    if is_unreachable(error):
        return FeedRefusedError(error.code().name, f"no gateway answers at {address}: start one with `make run`")
    return FeedRefusedError(error.code().name, error.details() or "")
