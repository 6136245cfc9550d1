"""`moodfeed similar`: ask a running gateway for the posts that are most like a post."""

from pathlib import Path
from typing import Annotated

import typer

from bundle.stand_in_titles import read_stand_in_titles
from cli.catalog_client import read_names
from cli.feed_client import ask_for_categories, ask_for_similar
from cli.feed_commands import BundlesOption
from cli.feed_table import feed_json, feed_table
from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    client_tls,
)
from cli.progress import console
from cli.terminal_text import typed
from moodfeed.feed.v1 import feed_pb2


def similar(
    post: Annotated[str, typer.Argument(help="The post: a post_id, or `external:` and an external_id.")],
    user: Annotated[str, typer.Option(help="The user who asks; the ranking also takes their taste into account.")] = "",
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
