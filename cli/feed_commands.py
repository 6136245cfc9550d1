"""`moodfeed users`, `feed` and `trending`: list usernames of a bundle, ask a running gateway for a feed or trends."""

import sys
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bundle.directory import current_bundle, open_bundle
from bundle.known_users import KnownUsers
from bundle.stand_in_titles import read_stand_in_titles
from cli.feed_client import ask_for_categories, ask_for_feed, ask_for_trends
from cli.feed_options import (
    CategoriesOption,
    CreatedAfterOption,
    DiversityOption,
    ExplainOption,
    LanguagesOption,
    MostPerOwnerOption,
    OwnPostsOption,
    WithoutCategoriesOption,
    WithoutOwnersOption,
)
from cli.feed_table import feed_json, feed_table
from cli.file_faults import directory_or_absent
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
from cli.terminal_text import printable, typed
from moodfeed.feed.v1 import feed_pb2

BundlesOption = Annotated[
    Path,
    typer.Option(
        "--bundles",
        envvar="MOODFEED_BUNDLES",
        help="Directory of the bundles and of the link `current`.",
        callback=directory_or_absent,
    ),
]


class Fallback(StrEnum):
    """What an unknown user may get; each value is one of the contract in small letters."""

    NONE = "none"
    POPULAR = "popular"
    TRENDING = "trending"


def users(
    bundles: BundlesOption = Path("bundles"),
    limit: Annotated[int, typer.Option(min=1, help="Number of usernames to print.")] = 20,
) -> None:
    """Print usernames of the current bundle, one per line, longest history first."""
    known = KnownUsers.read(open_bundle(current_bundle(bundles)))
    lengths = known.offsets[1:] - known.offsets[:-1]
    for row in (-lengths).argsort(kind="stable")[:limit]:
        name = known.usernames[row]
        typer.echo(printable(name) if sys.stdout.isatty() else name)  # a pipe gets the names as they are


def feed(
    username: Annotated[
        str,
        typer.Argument(help="The user whose feed to show; an unknown user needs --category and --mood, or --fallback."),
    ],
    category: Annotated[int | None, typer.Option(help="Only posts of this category.")] = None,
    mood: Annotated[str, typer.Option(help="Words, emoji or both.")] = "",
    fallback: Annotated[
        Fallback, typer.Option(help="What an unknown user gets if --category or --mood is missing.")
    ] = Fallback.NONE,
    page_size: Annotated[int, typer.Option(help="Number of posts to show, at most 100.")] = 10,
    of_categories: CategoriesOption = None,
    without_categories: WithoutCategoriesOption = None,
    without_owners: WithoutOwnersOption = None,
    created_after: CreatedAfterOption = None,
    languages: LanguagesOption = None,
    own_posts: OwnPostsOption = False,
    diversity: DiversityOption = 0.0,
    most_per_owner: MostPerOwnerOption = 0,
    explain: ExplainOption = False,
    bundles: BundlesOption = Path("bundles"),
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Ask a running gateway for a feed and print it; a token, if the gateway needs one, goes in MOODFEED_API_TOKEN.

    A post without a title is shown with its keywords if its bundle is in --bundles.
    """
    username, mood = typed(username), typed(mood)
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    answer = ask_for_feed(
        gateway,
        username=username,
        category_id=category,
        mood=mood,
        page_size=page_size,
        fallback=f"FALLBACK_{fallback.name}",
        others=feed_pb2.GetFeedRequest(
            category_ids=of_categories,
            excluded_category_ids=without_categories,
            excluded_owner_usernames=[typed(name) for name in without_owners or ()],
            created_after=None if created_after is None else created_after.replace(tzinfo=UTC),
            languages=languages,
            include_own_posts=own_posts,
            diversity=diversity,
            most_per_owner=most_per_owner,
            explain=explain,
        ),
    )
    if as_json:
        typer.echo(feed_json(answer))
    else:
        asked = ", ".join(
            part for part in (username, f"category {category}" if category is not None else "", mood) if part
        )
        categories = ask_for_categories(gateway)
        stand_ins = read_stand_in_titles(bundles / answer.bundle_id)
        console.print(feed_table(answer, title=f"Feed of {asked}", categories=categories, stand_ins=stand_ins))


def trending(
    category: Annotated[int | None, typer.Option(help="Only posts of this category.")] = None,
    page_size: Annotated[int, typer.Option(help="Number of posts to show, at most 100.")] = 10,
    bundles: BundlesOption = Path("bundles"),
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Ask a running gateway for the posts that are trending now. A token goes in MOODFEED_API_TOKEN."""
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    answer = ask_for_trends(gateway, category_id=category, page_size=page_size)
    if as_json:
        typer.echo(feed_json(answer))
        return
    title = "Trending" if category is None else f"Trending in category {category}"
    stand_ins = read_stand_in_titles(bundles / answer.bundle_id)
    console.print(feed_table(answer, title=title, categories=ask_for_categories(gateway), stand_ins=stand_ins))
