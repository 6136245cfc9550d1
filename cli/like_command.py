"""`moodfeed like`: tell a running gateway what a person did with a post."""

from typing import Annotated

import typer

from cli.gateway_access import (
    DEFAULT_GATEWAY,
    AuthorityOption,
    CertificateOption,
    GatewayAccess,
    GatewayOption,
    KeyOption,
    client_tls,
)
from cli.live_feed import Deed, LiveFeed
from cli.terminal_text import typed


def like(
    username: Annotated[str, typer.Argument(help="Who likes it; one like makes an unknown user known.")],
    post: Annotated[int, typer.Argument(help="The post_id, as shown in feeds.")],
    verb: Annotated[Deed, typer.Option(help="What the person did, if not a like.")] = Deed.LIKE,
    address: GatewayOption = DEFAULT_GATEWAY,
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Record that a person likes a post; their next feed takes it into account. A token goes in MOODFEED_API_TOKEN."""
    gateway = GatewayAccess.from_environment(address, client_tls(authority, certificate, key))
    with LiveFeed(gateway) as live:
        event_id = live.do(typed(username), verb, post)
    typer.echo(f"recorded as {event_id} at position {live.position}")
