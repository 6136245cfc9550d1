"""`moodfeed open`: open the explorer of the running product in a browser."""

import webbrowser
from typing import Annotated

import typer

from cli.gateway_access import AuthorityOption, CertificateOption, KeyOption, client_tls
from cli.page_address import Page, look_for_page, page_address
from cli.progress import console

HttpOption = Annotated[
    str, typer.Option(envvar="MOODFEED_GATEWAY_HTTP_ADDRESS", help="host:port of the gateway's HTTP server.")
]


class NoPageError(Exception):
    """There is no page to open: says why, and what to do."""


def open_page(
    address: HttpOption = "127.0.0.1:8000",
    authority: AuthorityOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Open the explorer of the running product in a browser and print its address."""
    tls = client_tls(authority, certificate, key)
    try:
        url = page_address(address, tls)
    except ValueError as error:
        raise NoPageError(f"--address {address!r} {error}") from error
    if not url:
        raise NoPageError(
            f"--address {address!r} is a Unix socket, which a browser cannot open: give the gateway a host:port"
        )
    match look_for_page(url, tls):
        case Page.NOTHING:
            raise NoPageError(f"nothing answers at {url}: start the product with `moodfeed run`")
        case Page.SWITCHED_OFF:
            raise NoPageError(
                f"the gateway at {url} does not serve the explorer: start it with MOODFEED_GATEWAY_EXPLORER=on"
            )
    console.print(url, highlight=False, markup=False, soft_wrap=True)
    if not webbrowser.open(url):
        console.print("No browser found: open this address in one.", highlight=False)
