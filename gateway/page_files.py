"""Files of a page that the gateway serves: named one by one, so that no other file is ever read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

PageFiles = Mapping[str, tuple[str, str]]
"""Path of a request -> name and media type of a file."""


def answering_with(
    files: PageFiles, *, directory: Path, headers: Mapping[str, str]
) -> Callable[[Request], Awaitable[Response]]:
    """A handler that answers a path of ``files`` with its file in the ``directory``, and these headers."""

    async def answer(request: Request) -> Response:
        name, media_type = files[request.scope["path"]]
        content = await asyncio.to_thread((directory / name).read_bytes)
        return Response(content, media_type=media_type, headers=headers)

    return answer
