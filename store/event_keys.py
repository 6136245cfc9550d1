"""Keyed hashes: what stands for an event id or a name where the text itself may not be kept."""

import hashlib
from collections.abc import Iterable

KEY_BYTES = 16  # of HMAC-SHA256: two of a trillion ids share a key with probability 2e-15
_BLOCK = 64  # bytes of SHA-256
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class KeyedHash:
    """HMAC-SHA256 with the secret of one store; whoever lacks the secret cannot try names against the hashes.

    It is put together of SHA-256 as RFC 2104 says, which takes half the time of the module hmac.
    """

    def __init__(self, secret: bytes) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        inner = block.translate(_INNER)
        self._event, self._person = hashlib.sha256(inner + b"event\0"), hashlib.sha256(inner + b"person\0")
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def event(self, event_id: str) -> bytes:
        """The key of an event id, KEY_BYTES long."""
        return self.events([event_id])[0]

    def events(self, event_ids: Iterable[str]) -> list[bytes]:
        """The keys of many event ids."""
        begin, finish = self._event.copy, self._outer.copy
        keys = []
        for event_id in event_ids:
            inner, outer = begin(), finish()
            inner.update(event_id.encode())
            outer.update(inner.digest())
            keys.append(outer.digest()[:KEY_BYTES])
        return keys

    def person(self, username: str) -> bytes:
        """The key of a name, KEY_BYTES long."""
        inner, outer = self._person.copy(), self._outer.copy()
        inner.update(username.encode())
        outer.update(inner.digest())
        return outer.digest()[:KEY_BYTES]
