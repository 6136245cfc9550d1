"""Channels to other Moodfeed processes: they detect a dead peer and reconnect within a second of its return."""

import grpc

from rpc.tls import ClientTls

PING_SECONDS = 10

OPTIONS = (
    ("grpc.keepalive_time_ms", PING_SECONDS * 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 800),
    ("grpc.enable_retries", 0),  # rpc.attempts retries, on another replica
)


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None = None, *, host: str = ""
) -> grpc.aio.Channel:
    """Open an asyncio channel; every call on it must carry a deadline.

    With ``credentials``, the certificate of the peer must name ``host``, or the address if ``host`` is empty. Without
    credentials, the channel is plaintext.
    """
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=OPTIONS)
    named = (("grpc.ssl_target_name_override", host),) if host else ()
    return grpc.aio.secure_channel(address, credentials, options=(*OPTIONS, *named))


def open_blocking_channel(address: str, tls: ClientTls | None = None) -> grpc.Channel:
    """A channel for threads, to host:port; plaintext without ``tls``, whose FileContentError passes."""
    return grpc.secure_channel(address, tls.credentials()) if tls else grpc.insecure_channel(address)
