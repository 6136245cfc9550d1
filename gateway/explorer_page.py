"""The explorer: a page at / that shows feeds and records what is clicked, over the gateway's own HTTP API."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_DIRECTORY = Path(__file__).parent / "explorer"
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: http: https:; media-src 'self' http: https:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

EXPLORER_FILES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", "text/html"),
    "/explorer/explorer.css": ("explorer.css", "text/css"),
    "/explorer/explorer.js": ("explorer.js", "text/javascript"),
}
"""Path -> name and media type of a file."""


async def explorer_file(request: Request) -> Response:
    """The file of a path of EXPLORER_FILES."""
    name, media_type = EXPLORER_FILES[request.scope["path"]]
    content = await asyncio.to_thread((_DIRECTORY / name).read_bytes)
    return Response(content, media_type=media_type, headers=_HEADERS)
