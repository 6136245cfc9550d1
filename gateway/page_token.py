"""Page tokens: opaque to callers, bound to one request and one bundle.

A bundle never changes, so a place in its ranking of a request is all that a page needs to go on from; which ranking it
was, is told by what a degraded feed left out.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

_VERSION = 2
_LAYOUT = struct.Struct(">B32s16sIB")  # version, bundle id, request digest, offset, what was left out
_STAGES = ("user", "mood")  # bit 0, bit 1
_LARGEST_OFFSET = 2**31 - 1  # what a search takes
_CHECKSUM_BYTES = 8


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where the next page starts, in which ranking."""

    bundle_id: str
    request_digest: bytes
    offset: int
    left_out: frozenset[str] = frozenset()  # stages of the feed that were left out


def digest(username: str, category_id: int | None, mood: str, exclude_post_ids: tuple[int, ...]) -> bytes:
    """16 bytes that name what a request asks for; the page size may change between pages."""
    parts = (username, "" if category_id is None else str(category_id), mood, ",".join(map(str, exclude_post_ids)))
    content = b"".join(struct.pack(">I", len(part)) + part for part in (text.encode() for text in parts))
    return hashlib.blake2b(content, digest_size=16).digest()


def write(place: PageToken) -> str:
    """Make the token of a place; its ``bundle_id`` is 64 hexadecimal digits."""
    stages = sum(1 << bit for bit, stage in enumerate(_STAGES) if stage in place.left_out)
    content = _LAYOUT.pack(_VERSION, bytes.fromhex(place.bundle_id), place.request_digest, place.offset, stages)
    return base64.urlsafe_b64encode(content + _checksum(content)).rstrip(b"=").decode()


def read(token: str) -> PageToken:
    """Read a token; ValueError if it is not one, or was cut or altered."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if len(content) != _LAYOUT.size or checksum != _checksum(content):
        raise ValueError("not a page token")
    version, bundle, request_digest, offset, stages = _LAYOUT.unpack(content)
    if version != _VERSION:
        raise ValueError("a page token of another version")
    if offset > _LARGEST_OFFSET:  # the checksum is no secret: anybody can make a token
        raise ValueError("a page beyond all rankings")
    left_out = frozenset(stage for bit, stage in enumerate(_STAGES) if stages >> bit & 1)
    return PageToken(bundle.hex(), request_digest, offset, left_out)


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, person=b"page token").digest()
