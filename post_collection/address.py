"""The URL of a Milvus server, checked before its client reads it: that one takes a path for a database of its own."""

from urllib.parse import urlsplit


def milvus_address(url: str) -> str:
    """The same URL; ValueError says what is wrong with it, and repeats none of it: it may hold a password."""
    if "@" in url:
        raise ValueError("must not hold a user or a password: MOODFEED_POST_INDEX_MILVUS_TOKEN takes user:password")
    try:
        parts = urlsplit(url)
        is_one = url.startswith(("http://", "https://")) and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket that is not closed
        is_one = False
    if is_one and "[" in parts.netloc:
        raise ValueError("must not hold an IPv6 address, which Milvus's client cannot call: give the host's name")
    if not is_one or not url.isprintable() or " " in url:
        raise ValueError("is not the URL of a server, such as http://127.0.0.1:19530")
    return url
