"""The address of the explorer's page, as a browser on this machine can open it, and whether it is served there."""

import ssl
from enum import Enum

import httpx

from cli.gateway_access import https_context
from rpc.addresses import HostAndPort, read_address
from rpc.tls import ClientTls

_SECONDS = 3.0
_THIS_MACHINE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here: what to call


class Page(Enum):
    """What answers at the address of the page."""

    SERVED = "the page"
    SWITCHED_OFF = "a gateway without the page"
    NOTHING = "nothing"


def page_address(http_address: str, tls: ClientTls | None, query: str = "") -> str:
    """The URL of the page that a gateway at this address serves; empty if no browser can reach it (a Unix socket)."""
    address = read_address(http_address)
    if not isinstance(address, HostAndPort):
        return ""
    reached = HostAndPort(_THIS_MACHINE.get(address.host, address.host), address.port)
    return f"{'https' if tls else 'http'}://{reached.target}/{f'?{query}' if query else ''}"


def look_for_page(url: str, tls: ClientTls | None) -> Page:
    """Ask for the page; no proxy stands before a gateway of one's own. OSError if a file of ``tls`` cannot be used."""
    verify: ssl.SSLContext | bool = https_context(tls) if tls else True
    try:
        with httpx.Client(verify=verify, timeout=_SECONDS, trust_env=False) as client:
            answer = client.get(url)
    except httpx.HTTPError:
        return Page.NOTHING
    is_page = answer.status_code == httpx.codes.OK and "text/html" in answer.headers.get("content-type", "")
    return Page.SERVED if is_page else Page.SWITCHED_OFF
