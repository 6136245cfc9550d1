"""Ask a running gateway over gRPC, and show feeds as tables."""

from collections.abc import Mapping, Sequence

import grpc
from google.protobuf.json_format import MessageToJson
from rich.table import Table
from rich.text import Text

from cli.gateway_access import GatewayAccess, bearer, is_unreachable
from cli.terminal_text import plain
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.channel import open_blocking_channel

_CALL_SECONDS = 10.0
_LONGEST = {"external id": 24, "category": 44, "title": 48, "owner": 44}  # characters; the whole text is in --json


Category = feed_pb2.Category


class FeedRefusedError(Exception):
    """The gateway answered with an error: its status and its message."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")


def ask_for_feed(
    gateway: GatewayAccess,
    *,
    username: str,
    category_id: int | None = None,
    mood: str = "",
    page_size: int = 0,
    fallback: str | None = None,
    others: feed_pb2.GetFeedRequest | None = None,
) -> feed_pb2.GetFeedResponse:
    """One page of a feed; FeedRefusedError if the gateway refuses the request or cannot be reached.

    ``others`` holds the fields of the request that have no parameter here.
    """
    request = feed_pb2.GetFeedRequest(
        username=username, category_id=category_id, mood=mood, page_size=page_size, fallback=fallback
    )
    if others is not None:
        request.MergeFrom(others)
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer: feed_pb2.GetFeedResponse = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(
                request, metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise refusal(error, gateway.address) from error
    return answer


def ask_for_trends(
    gateway: GatewayAccess, *, category_id: int | None = None, page_size: int = 0
) -> feed_pb2.GetFeedResponse:
    """One page of the trends, as a feed; FeedRefusedError as above."""
    request = feed_pb2.ListTrendingRequest(category_id=category_id, page_size=page_size)
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer = feed_pb2_grpc.FeedServiceStub(channel).ListTrending(
                request, metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise refusal(error, gateway.address) from error
    return feed_pb2.GetFeedResponse(
        posts=answer.posts,
        next_page_token=answer.next_page_token,
        bundle_id=answer.bundle_id,
        ranking=feed_pb2.RANKING_TRENDING,
        position=answer.position,
    )


def ask_for_categories(gateway: GatewayAccess) -> tuple[feed_pb2.Category, ...]:
    """All valid categories; FeedRefusedError if the gateway refuses the request or cannot be reached."""
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer = feed_pb2_grpc.FeedServiceStub(channel).ListCategories(
                feed_pb2.ListCategoriesRequest(), metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise refusal(error, gateway.address) from error
    return tuple(answer.categories)


def feed_table(
    feed: feed_pb2.GetFeedResponse,
    *,
    title: str,
    categories: Sequence[feed_pb2.Category] = (),
    stand_ins: Mapping[int, str] | None = None,
) -> Table:
    """A feed for a person to read, 80 columns wide or wider.

    A category that is not among ``categories`` is shown by its id, a post without a title by its text in ``stand_ins``.
    External ids are shown if a post has one. The last column is the number by which the feed is sorted.
    """
    names = {category.category_id: category.name for category in categories}
    has_external_ids = any(post.external_id for post in feed.posts)
    is_by_score = feed.ranking in {feed_pb2.RANKING_USER, feed_pb2.RANKING_TRENDING}
    table = Table(title=plain(title), title_justify="left", caption=_caption(feed), caption_justify="left")
    headings = ["#", "post", *(["external id"] if has_external_ids else []), "category", "title", "owner"]
    for heading in [*headings, "score" if is_by_score else "ranking"]:
        if heading in _LONGEST:
            table.add_column(heading, overflow="ellipsis")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for number, post in enumerate(feed.posts, start=1):
        table.add_row(
            str(number),
            str(post.post_id),
            *([_cut(post.external_id, _LONGEST["external id"])] if has_external_ids else []),
            _cut(names.get(post.category_id) or str(post.category_id or "–"), _LONGEST["category"]),
            _title(post, (stand_ins or {}).get(post.post_id, "")),
            _cut(post.owner_username, _LONGEST["owner"]),
            f"{post.score if is_by_score else post.ranking_score:.3f}",
        )
    return table


def _title(post: feed_pb2.FeedPost, stand_in: str) -> Text:
    """The title; if there is none, the substitute, dimmed."""
    if title := " ".join(post.title.split()):
        return _cut(title, _LONGEST["title"])
    text = _cut(stand_in or "(no title)", _LONGEST["title"])
    text.stylize("dim italic")
    return text


def _cut(text: str, longest: int) -> Text:
    return plain(text if len(text) <= longest else text[: longest - 1] + "…")


def feed_json(feed: feed_pb2.GetFeedResponse) -> str:
    """A feed for a program to read: protobuf's JSON with the contract's field names."""
    return MessageToJson(feed, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _caption(feed: feed_pb2.GetFeedResponse) -> str:
    more = "more pages follow" if feed.next_page_token else "last page"
    return f"{feed_pb2.Ranking.Name(feed.ranking)}, bundle {feed.bundle_id[:12]}, {more}"


def refusal(error: grpc.RpcError, address: str) -> FeedRefusedError:
    """What a failed call to the gateway means."""
    if is_unreachable(error):
        return FeedRefusedError(error.code().name, f"no gateway answers at {address}: start one with `make run`")
    return FeedRefusedError(error.code().name, error.details() or "")
