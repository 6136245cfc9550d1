"""Page tokens: opaque to callers, bound to one request and one bundle.

A bundle never changes, so the next page needs only an offset into its ranking of the request. Which ranking that is
depends on the stages that a degraded feed left out, and on what the user had done and been shown by then: the position
of the log, and the moment from which on shown posts count. Posts and rules come and go as well: the index has positions
of its own, and a moment at which rules with a time span count.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from gateway.feed_types import NO_FILTERS, Filters
from gateway.served_memory import FEED_DIGITS
from gateway.shard_names import name_of_shard, shards_of

_VERSION = 5
_LAYOUT = struct.Struct(">B32s16sIBqQq8sqqq")
"""Version, bundle id, request digest, offset, bits, log position, issued at, counted position, feed, served since,
posts position, rules moment.

A position is _NO_LOG if there is none. The bits say which stages were left out, and whether the feed has started again.
Times are in milliseconds.
"""

_SHARDS = struct.Struct(">BQ")
"""After that, only of a feed without some shards of the index: of how many shards, and a bit for each left out."""

_NO_LOG = -1
_STAGES = ("user", "mood")  # bit 0, bit 1
_STARTED_AGAIN = 1 << 7
_LARGEST_OFFSET = 2**31 - 1  # the largest that a search accepts
_CHECKSUM_BYTES = 8


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where the next page starts, and in which ranking."""

    bundle_id: str
    request_digest: bytes
    offset: int
    left_out: frozenset[str] = frozenset()  # stages of the feed that were left out
    log_position: int | None = None  # up to which the first page counted what people did; None without a log
    issued_at_ms: int = 0  # milliseconds since 1970
    counted_position: int | None = None  # of the log, up to which the first page counts what people meet; None if none
    feed: str = "0" * FEED_DIGITS  # the start of the ids of all its answers
    served_since_ms: int = 0  # remembered posts count from this moment on; 0 if there are none
    posts_position: int | None = (
        None  # of the log, up to which the first page counted posts and rules; None without one
    )
    rules_moment_ms: int = 0  # rules with a time span count as at this moment
    has_started_again: bool = False  # then the offset counts in the posts that were shown


def digest(
    username: str,
    category_id: int | None,
    mood: str,
    exclude_post_ids: tuple[int, ...],
    *,
    exclude_external_ids: tuple[str, ...] = (),
    kind: str = "",
    seen: str = "LAST",
    remember_served: bool = False,
    filters: Filters = NO_FILTERS,
    diversity: float = 0.0,
    most_per_owner: tuple[int, int] | None = None,
    explored_page_size: int | None = None,
) -> bytes:
    """16 bytes that identify what a request asks for; ``kind`` has up to 16 letters.

    The page size is no part of it, except in ``most_per_owner``, so many posts of one account on a page of that size,
    and in ``explored_page_size``, of a feed with pages that explore.
    """
    numbers = ",".join(map(str, exclude_post_ids))
    category = "" if category_id is None else str(category_id)
    parts = [username, category, mood, numbers, f"{seen} {remember_served}", *exclude_external_ids]
    if (filters, diversity, most_per_owner) != (NO_FILTERS, 0.0, None):
        parts += [f"{filters} {diversity} {most_per_owner}"]
        kind += "+"  # so that no external id can stand for these
    if explored_page_size is not None:
        parts += [f"explored {explored_page_size}"]
        kind += "*"
    content = b"".join(struct.pack(">I", len(part)) + part for part in (text.encode() for text in parts))
    return hashlib.blake2b(content, digest_size=16, person=kind.encode()).digest()


def write(token: PageToken) -> str:
    """Encode a token, whose ``bundle_id`` is 64 hexadecimal digits."""
    stages = sum(1 << bit for bit, stage in enumerate(_STAGES) if stage in token.left_out)
    stages |= _STARTED_AGAIN if token.has_started_again else 0
    content = _LAYOUT.pack(
        _VERSION,
        bytes.fromhex(token.bundle_id),
        token.request_digest,
        token.offset,
        stages,
        _NO_LOG if token.log_position is None else token.log_position,
        token.issued_at_ms,
        _NO_LOG if token.counted_position is None else token.counted_position,
        bytes.fromhex(token.feed),
        token.served_since_ms,
        _NO_LOG if token.posts_position is None else token.posts_position,
        token.rules_moment_ms,
    )
    lost = shards_of(token.left_out)
    if lost:
        content += _SHARDS.pack(max(shards for _, shards in lost), sum(1 << number for number, _ in lost))
    return base64.urlsafe_b64encode(content + _checksum(content)).rstrip(b"=").decode()


def read(token: str) -> PageToken:
    """Decode a token; raises ValueError if it is not one, or was cut or altered."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(content):
        raise ValueError("not a page token")
    content, of_shards = content[: _LAYOUT.size], content[_LAYOUT.size :]
    if len(content) != _LAYOUT.size or len(of_shards) not in {0, _SHARDS.size}:
        raise ValueError("the page token has another version")
    (
        version,
        bundle,
        request_digest,
        offset,
        stages,
        log_position,
        issued_at_ms,
        counted,
        feed,
        since,
        posts,
        moment,
    ) = _LAYOUT.unpack(content)
    if version != _VERSION:
        raise ValueError("the page token has another version")
    if offset > _LARGEST_OFFSET:  # the checksum has no key: anyone can make a token
        raise ValueError("the offset is larger than a search accepts")
    left_out = frozenset(stage for bit, stage in enumerate(_STAGES) if stages >> bit & 1)
    if of_shards:
        shards, lost = _SHARDS.unpack(of_shards)
        left_out |= {name_of_shard(number, shards) for number in range(shards) if lost >> number & 1}
    return PageToken(
        bundle_id=bundle.hex(),
        request_digest=request_digest,
        offset=offset,
        left_out=left_out,
        log_position=log_position if log_position >= 0 else None,
        issued_at_ms=issued_at_ms,
        counted_position=counted if counted >= 0 else None,
        feed=feed.hex(),
        served_since_ms=max(0, since),
        posts_position=posts if posts >= 0 else None,
        rules_moment_ms=max(0, moment),
        has_started_again=bool(stages & _STARTED_AGAIN),
    )


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES, person=b"page token").digest()
