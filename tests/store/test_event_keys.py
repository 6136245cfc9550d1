"""What stands for event ids and names is HMAC-SHA256, so that a key of an older release is still found."""

import hmac

import pytest

from store.event_keys import KEY_BYTES, KeyedHash


@pytest.mark.parametrize("secret", [b"", b"short", b"k" * 32, b"k" * 64, b"longer than a block" * 10])
def test_keys_are_those_of_the_standard_library(secret: bytes) -> None:
    hashes = KeyedHash(secret)
    for text in ("1", "ünïque 🎬", "x" * 200):
        of_event = hmac.digest(secret, b"event\0" + text.encode(), "sha256")[:KEY_BYTES]
        assert hashes.event(text) == of_event
        assert hashes.events(["another", text])[1] == of_event
        assert hashes.person(text) == hmac.digest(secret, b"person\0" + text.encode(), "sha256")[:KEY_BYTES]
