"""Keyed hashes: what stands for an event id or a name where the text itself may not be kept."""

import hmac

KEY_BYTES = 16  # of HMAC-SHA256: two of a trillion ids share a key with probability 2e-15


class KeyedHash:
    """HMAC-SHA256 with the secret of one store; whoever lacks the secret cannot try names against the hashes."""

    def __init__(self, secret: bytes) -> None:
        # Begun once: to copy what the secret and the kind come to takes half the time of a key from its start.
        self._of_event = hmac.new(secret, b"event\0", "sha256")
        self._of_person = hmac.new(secret, b"person\0", "sha256")

    def event(self, event_id: str) -> bytes:
        """The key of an event id, KEY_BYTES long."""
        return _key(self._of_event, event_id)

    def person(self, username: str) -> bytes:
        """The key of a name, KEY_BYTES long."""
        return _key(self._of_person, username)


def _key(begun: hmac.HMAC, text: str) -> bytes:
    ended = begun.copy()
    ended.update(text.encode())
    return ended.digest()[:KEY_BYTES]
