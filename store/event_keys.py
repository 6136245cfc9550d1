"""Keyed hashes: what stands for an event id or a name where the text itself may not be kept."""

import hmac

KEY_BYTES = 16  # of HMAC-SHA256: two of a trillion ids share a key with probability 2e-15


class KeyedHash:
    """HMAC-SHA256 with the secret of one store; whoever lacks the secret cannot try names against the hashes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def event(self, event_id: str) -> bytes:
        """The key of an event id, KEY_BYTES long."""
        return self._key(b"event\0", event_id)

    def person(self, username: str) -> bytes:
        """The key of a name, KEY_BYTES long."""
        return self._key(b"person\0", username)

    def _key(self, kind: bytes, text: str) -> bytes:
        return hmac.digest(self._secret, kind + text.encode(), "sha256")[:KEY_BYTES]
