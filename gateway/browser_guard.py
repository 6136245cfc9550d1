"""Which HTTP requests may write: none that a web page could make a visitor's browser send without being allowed to.

A page can send a form or text to any address without asking first, and to a name of its own that it has pointed at this
machine (DNS rebinding). Such requests differ from those of programs in their Content-Type, their Origin or their Host.
"""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[^:\[\]/@\s]+)(?::\d{1,5})?")
_JSON = "application/json"


class BrowserGuardError(Exception):
    """A request to write is refused.

    BrowserGuardError
    ├── ContentTypeError
    ├── HostNotAllowedError
    └── OriginNotAllowedError
    """


class ContentTypeError(BrowserGuardError):
    """The body is not sent as application/json."""

    def __init__(self) -> None:
        super().__init__("send the header `content-type: application/json`")


class HostNotAllowedError(BrowserGuardError):
    """The header `host` names a host that this gateway does not have."""

    def __init__(self) -> None:
        super().__init__(
            "writes are not accepted under this host name: use an IP address or localhost, add the name to "
            "MOODFEED_GATEWAY_ALLOWED_HOSTS, or require tokens with MOODFEED_GATEWAY_API_TOKENS_FILE"
        )


class OriginNotAllowedError(BrowserGuardError):
    """A page of another origin sent the request."""

    def __init__(self) -> None:
        super().__init__("writes from pages of this origin are not allowed: see MOODFEED_GATEWAY_ALLOWED_ORIGINS")


@dataclass(frozen=True, slots=True)
class BrowserGuard:
    """``allowed_origins`` are those whose pages may write; ``*`` among them allows reading alone.

    Without ``needs_token`` the host must be an IP address, a name without a dot, which no page can own, or one of
    ``allowed_hosts``. With it, a page cannot know the token, and any host will do.
    """

    allowed_origins: Collection[str] = ()
    allowed_hosts: Collection[str] = ()
    needs_token: bool = False

    def check(self, headers: Sequence[tuple[str, str]], *, scheme: str, has_body: bool = True) -> None:
        """Check the lower-case headers of a request to write; raises BrowserGuardError.

        A request without a body needs no Content-Type.
        """
        if has_body:
            check_json(headers)
        host = _only(headers, "host")
        if not (self.needs_token or self._is_ours(host)):
            raise HostNotAllowedError
        origins = [value for name, value in headers if name == "origin"]
        if any(not self._may_write(origin, host, scheme) for origin in origins):
            raise OriginNotAllowedError

    def _may_write(self, origin: str, host: str, scheme: str) -> bool:
        is_own_page = origin.lower() == f"{scheme}://{host.lower()}" and self._is_ours(host)
        return is_own_page or origin in self.allowed_origins

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].lower().rstrip(".")
        return "." not in name or name in self.allowed_hosts or _is_ip_address(name.strip("[]"))


def check_json(headers: Sequence[tuple[str, str]]) -> None:
    """ContentTypeError unless the lower-case headers say that the body is JSON, which no form of a page can send."""
    if _only(headers, "content-type").partition(";")[0].strip().lower() != _JSON:
        raise ContentTypeError


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _only(headers: Sequence[tuple[str, str]], wanted: str) -> str:
    """The value of a header that is there once; empty if it is not."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else ""
