"""`moodfeed post add`, `delete` and `show`: the posts of a running gateway."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich.table import Table

from cli.catalog_client import CatalogClient, read_names
from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    client_tls,
)
from cli.gateway_calls import CallRefusedError
from cli.moment_options import read_moment_option
from cli.progress import console
from cli.terminal_text import plain, printable, typed
from cli.told_posts import ToldPostsError, read_posts
from moodfeed.catalog.v1 import catalog_pb2

app = typer.Typer(
    name="post",
    help="Posts of a running gateway: add and replace, delete, show. A token of the scope catalog goes in "
    "MOODFEED_API_TOKEN, an operator's in MOODFEED_ADMIN_TOKEN.",
    no_args_is_help=True,
)
PostsArgument = Annotated[list[str], typer.Argument(help="Posts: a post_id, or `external:` and an external_id.")]


@app.command()
def add(
    post: Annotated[
        str, typer.Argument(help="The post: a post_id, or `external:` and an external_id; not with --json.")
    ] = "",
    category: Annotated[int | None, typer.Option(help="Its category_id.")] = None,
    video: Annotated[str, typer.Option(help="URL of the video.")] = "",
    title: Annotated[str, typer.Option(help="Shown in feeds.")] = "",
    description: Annotated[str, typer.Option(help="What happens in the video.")] = "",
    emotion: Annotated[list[str] | None, typer.Option(help="An emotion that it shows; may be repeated.")] = None,
    category_name: Annotated[str, typer.Option(help="Name of the category, to create or rename it.")] = "",
    thumbnail: Annotated[str, typer.Option(help="URL of the thumbnail.")] = "",
    owner: Annotated[str, typer.Option(help="The account that posted it.")] = "",
    language: Annotated[str, typer.Option(help="Its language, such as `en`.")] = "",
    external_id: Annotated[str, typer.Option(help="Its id at the source, in addition to a post_id.")] = "",
    created_at: Annotated[
        str, typer.Option(help="When it was created, such as 2026-05-04T09:30:00Z; by default now.")
    ] = "",
    hidden: Annotated[bool, typer.Option("--hidden", help="Store it, but show it in no feed.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Add the posts in a file instead (`-` for standard input): a JSON list, or JSON Lines."
        ),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Wait until feeds can show the posts that are not hidden, and say how long it took."
        ),
    ] = False,
    wait_seconds: Annotated[float, typer.Option(min=0, help="How long to wait at most.")] = 30.0,
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Add a post, or replace the whole of it; or add many, from JSON with the field names of the contract."""
    if (file is None) == (not post):
        raise typer.BadParameter("name one post, or give --json FILE")
    if file is None:
        posts = [
            _told(
                typed(post),
                catalog_pb2.Post(
                    title=typed(title),
                    description=typed(description),
                    emotions=[typed(item) for item in emotion or ()],
                    category_id=category or 0,
                    category_name=typed(category_name),
                    video_link=typed(video),
                    thumbnail_url=typed(thumbnail),
                    owner_username=typed(owner),
                    language=typed(language),
                    external_id=typed(external_id),
                    is_servable=not hidden,
                    created_at=read_moment_option(created_at, "--created-at"),
                ),
            )
        ]
    else:
        posts = read_posts(file)
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        answer = client.upsert(posts)
        accepted = [
            (row.post_id, told)
            for told, row in zip(posts, answer.results, strict=True)
            if row.result == catalog_pb2.UPSERT_RESULT_ACCEPTED
        ]
        stored = [post_id for post_id, _ in accepted]
        for number, row in enumerate(answer.results, start=1):
            if row.result != catalog_pb2.UPSERT_RESULT_ACCEPTED:
                typer.echo(f"post {number} is rejected: {printable(row.reason)}", err=True)
        if len(posts) == 1 and stored:
            typer.echo(f"stored as {stored[0]} at position {answer.position}")
        else:
            typer.echo(f"stored {len(stored)} of {len(posts)} posts at position {answer.position}")
        shown = [post_id for post_id, told in accepted if told.is_servable or not told.HasField("is_servable")]
        if wait and shown:
            _wait(client, shown, wait_seconds)
    if len(stored) < len(posts):
        raise typer.Exit(1)


def _told(name: str, post: catalog_pb2.Post) -> catalog_pb2.Post:
    """The post with its name."""
    post_ids, external_ids = read_names([name])
    if post_ids:
        post.post_id = post_ids[0]
    elif post.external_id not in {"", external_ids[0]}:
        raise ToldPostsError(
            f"--external-id is {post.external_id!r}, but the post is named {external_ids[0]!r}: give one of them"
        )
    else:
        post.external_id = external_ids[0]
    return post


def _wait(client: CatalogClient, post_ids: list[int], seconds: float) -> None:
    spent = client.wait_until_visible(post_ids, seconds=seconds)
    if spent is None:
        raise CallRefusedError(
            "PENDING", f"not all posts are visible after {seconds:g} s: they are stored, and wait for their embeddings"
        )
    typer.echo(f"visible after {spent:.2f} s")


@app.command()
def delete(
    posts: PostsArgument,
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Delete posts: from then on, no feed of this gateway shows them."""
    post_ids, external_ids = read_names([typed(post) for post in posts])
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        typer.echo(f"deleted at position {client.delete(post_ids, external_ids)}")


@app.command()
def show(
    posts: PostsArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Show posts as they are stored, and whether feeds can show them."""
    post_ids, external_ids = read_names([typed(post) for post in posts])
    with CatalogClient(GatewayAccess.from_environment(address, client_tls(authority, certificate, key))) as client:
        found = client.get(post_ids, external_ids)
    if as_json:
        answer = catalog_pb2.GetPostsResponse(posts=found)
        typer.echo(MessageToJson(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True))
    else:
        for kept in found:
            console.print(_table(kept))
    if not found:
        raise CallRefusedError("NOT_FOUND", "neither the store nor the current bundle holds any of these posts")


def _table(kept: catalog_pb2.KeptPost) -> Table:
    table = Table(show_header=False, title=f"post {kept.post.post_id}", title_justify="left")
    state = catalog_pb2.PostState.Name(kept.state).removeprefix("POST_STATE_").lower().replace("_", " ")
    table.add_row("state", f"{state}, since position {kept.position}" if kept.position else f"{state}, from the bundle")
    for field, value in kept.post.ListFields():
        if field.name == "created_at":
            moment = datetime.fromtimestamp(value.seconds, UTC)
            table.add_row("created at", moment.isoformat().replace("+00:00", "Z"))
        elif field.name not in {"post_id", "is_servable"}:
            text = ", ".join(value) if field.is_repeated else str(value)
            table.add_row(field.name.replace("_", " "), plain(text))
    return table
