"""`moodfeed similar`: ask a running gateway for the posts that are most like a post."""

from pathlib import Path
from typing import Annotated

import grpc
import typer

from bundle.stand_in_titles import read_stand_in_titles
from cli.catalog_client import read_names
from cli.feed_commands import BundlesOption
from cli.feed_table import ask_for_categories, feed_json, feed_table, refusal
from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    bearer,
    client_tls,
)
from cli.progress import console
from cli.terminal_text import typed
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.channel import open_blocking_channel

_CALL_SECONDS = 10.0


def similar(
    post: Annotated[str, typer.Argument(help="The post: a post_id, or `external:` and an external_id.")],
    user: Annotated[str, typer.Option(help="The user who asks; their taste counts as well.")] = "",
    page_size: Annotated[int, typer.Option(help="Number of posts to show, at most 100.")] = 10,
    bundles: BundlesOption = Path("bundles"),
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Ask a running gateway for the posts most like a post. A token goes in MOODFEED_API_TOKEN."""
    post_ids, external_ids = read_names([typed(post)])
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    request = feed_pb2.GetSimilarPostsRequest(
        post_id=next(iter(post_ids), 0),
        external_id=next(iter(external_ids), ""),
        username=typed(user),
        page_size=page_size,
    )
    answer = ask_for_similar(gateway, request)
    if as_json:
        typer.echo(feed_json(answer))
        return
    title = f"Posts like {typed(post)}" + (f", for {typed(user)}" if user else "")
    stand_ins = read_stand_in_titles(bundles / answer.bundle_id)
    console.print(feed_table(answer, title=title, categories=ask_for_categories(gateway), stand_ins=stand_ins))


def ask_for_similar(gateway: GatewayAccess, request: feed_pb2.GetSimilarPostsRequest) -> feed_pb2.GetFeedResponse:
    """One page of similar posts, as a feed; FeedRefusedError if the gateway refuses or cannot be reached."""
    with open_blocking_channel(gateway.address, gateway.tls) as channel:
        try:
            answer = feed_pb2_grpc.FeedServiceStub(channel).GetSimilarPosts(
                request, metadata=bearer(gateway.token), timeout=_CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise refusal(error, gateway.address) from error
    return feed_pb2.GetFeedResponse(
        posts=answer.posts,
        next_page_token=answer.next_page_token,
        bundle_id=answer.bundle_id,
        ranking=feed_pb2.RANKING_SIMILAR,
        degradations=answer.degradations,
        feed_id=answer.feed_id,
        position=answer.position,
    )
