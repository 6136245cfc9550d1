"""What stands for event ids and names is HMAC-SHA256, so that a key of an older release is still found."""

from store.event_keys import KEY_BYTES, KeyedHash


def test_keys_are_those_of_openssl() -> None:
    """Of `printf 'event\\0TEXT' | openssl dgst -sha256 -hmac SECRET`, and with person; the first half of each."""
    hashes = KeyedHash(b"k" * 32)
    assert hashes.event("ünïque 🎬").hex() == "f4a95c2b1561318604214c56ebf5c038"
    assert hashes.person("ünïque 🎬").hex() == "70587c6aabae92ca07487726e9283024"


def test_keys_hang_on_the_secret_and_have_one_length() -> None:
    keys = {KeyedHash(secret).event("1") for secret in (b"short", b"k" * 32, b"longer than a block of SHA-256" * 10)}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {KEY_BYTES}
