"""Refuse requests whose end a proxy before the gateway may see elsewhere (RFC 9112, sections 5.2, 6.1 and 11.2)."""

import re

import h11

_FOLDED = re.compile(rb"\n[ \t]")
_END_OF_HEAD = re.compile(rb"\n\r?\n")


class FramedConnection(h11.Connection):
    """h11's connection, which raises RemoteProtocolError also for a head whose length is ambiguous.

    These are: both Content-Length and Transfer-Encoding; Transfer-Encoding in HTTP/1.0; a header folded over lines; a
    version above 1; CONNECT, after which there is no HTTP. h11 itself refuses lengths that contradict each other, bare
    carriage returns and unknown transfer codings.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event."""
        unread = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        event = super().next_event()
        if isinstance(event, h11.Request) and (fault := _fault(event) or _fold(unread)):
            raise h11.RemoteProtocolError(fault)
        return event


def _fault(request: h11.Request) -> str | None:
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version < b"1.1"):
        return "two ways to find the end of the body"
    if not request.http_version.startswith(b"1."):
        return "not HTTP/1.x"
    return "a tunnel" if request.method == b"CONNECT" else None


def _fold(unread: bytes) -> str | None:
    end = _END_OF_HEAD.search(unread)
    return "a folded header" if end and _FOLDED.search(unread, 0, end.start()) else None
