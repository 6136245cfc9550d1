"""Channels to other Moodfeed processes: they notice a dead peer and come back to it within a second."""

import grpc

from rpc.tls import ClientTls

PING_SECONDS = 10

_OPTIONS = (
    ("grpc.keepalive_time_ms", PING_SECONDS * 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 800),
    ("grpc.enable_retries", 0),  # rpc.replicas retries, on another replica
)


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None = None, *, host: str = ""
) -> grpc.aio.Channel:
    """An asyncio channel; calls on it must carry a deadline of their own.

    With ``credentials`` the certificate of the peer must name ``host``, or the address if that is empty; without, it is
    plaintext.
    """
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", host),) if host else ()
    return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, *named))


def open_blocking_channel(address: str, tls: ClientTls | None = None) -> grpc.Channel:
    """A channel for threads, to host:port; plaintext without ``tls``, whose FileContentError passes."""
    return grpc.secure_channel(address, tls.credentials()) if tls else grpc.insecure_channel(address)
