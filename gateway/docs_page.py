"""The page at /docs: Swagger UI, vendored in gateway/swagger_ui, over the gateway's own OpenAPI document."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_DIRECTORY = Path(__file__).parent / "swagger_ui"
_HEADERS = {
    "cache-control": "public, max-age=86400",
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
}

FILES: Mapping[str, tuple[str, str]] = {
    "/docs": ("index.html", "text/html"),
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript"),
    "/docs/start.js": ("start.js", "text/javascript"),
}
"""Path -> name and media type of a file."""


async def docs_file(request: Request) -> Response:
    """The file of a path of FILES."""
    name, media_type = FILES[request.scope["path"]]
    content = await asyncio.to_thread((_DIRECTORY / name).read_bytes)
    return Response(content, media_type=media_type, headers=_HEADERS)
