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


def open_channel(address: str, tls: ClientTls | None = None, *, host: str = "") -> grpc.aio.Channel:
    """An asyncio channel; calls on it must carry a deadline of their own.

    With ``tls`` the certificate of the peer must name ``host``, or the address if that is empty. The files are read
    now: whoever holds the channel opens another when ``tls.stamp()`` changes. Raises FileContentError if they cannot
    be used.
    """
    if tls is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", host),) if host else ()
    return grpc.aio.secure_channel(address, tls.credentials(), options=(*_OPTIONS, *named))
