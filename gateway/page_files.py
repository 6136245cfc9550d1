"""Files of a page that the gateway serves: named one by one, so that no other file is ever read."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

PageFiles = Mapping[str, tuple[str, str]]
"""Path of a request -> name and media type of a file."""

_MOST_KEPT = 64  # files in memory: all that there are


class _Content(NamedTuple):
    """A file as it is and compressed, and its name for a browser that has it already."""

    plain: bytes
    compressed: bytes
    tag: str


def answering_with(
    files: PageFiles, *, directory: Path, headers: Mapping[str, str]
) -> Callable[[Request], Awaitable[Response]]:
    """A handler that answers a path of ``files`` with its file in the ``directory``, and these headers.

    A browser that takes gzip gets it, and one that has the file already is told so (304).
    """

    async def answer(request: Request) -> Response:
        name, media_type = files[request.scope["path"]]
        content = await asyncio.to_thread(_read, directory / name)
        own = {**headers, "etag": content.tag, "vary": "accept-encoding"}
        if content.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=own)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(content.compressed, media_type=media_type, headers={**own, "content-encoding": "gzip"})
        return Response(content.plain, media_type=media_type, headers=own)

    return answer


def _read(path: Path) -> _Content:
    return _kept(path, path.stat().st_mtime_ns)


@lru_cache(_MOST_KEPT)
def _kept(path: Path, changed_ns: int) -> _Content:  # noqa: ARG001 - a file that is edited is read again
    plain = path.read_bytes()
    return _Content(plain, gzip.compress(plain, mtime=0), f'"{sha256(plain).hexdigest()[:32]}"')
