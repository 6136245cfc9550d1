"""A caller over HTTP, as gRPC would tell about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from gateway.http_bodies import headers_of


@dataclass(frozen=True, slots=True)
class HttpCaller:
    """Who sent a request."""

    request: Request

    def peer(self) -> str:
        """The caller's address; that of a unix socket has no client."""
        client = self.request.scope.get("client")
        if client is None:
            return "unix:"
        return f"ipv6:[{client[0]}]:{client[1]}" if ":" in client[0] else f"ipv4:{client[0]}:{client[1]}"

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]]:
        """The headers."""
        return headers_of(self.request)
