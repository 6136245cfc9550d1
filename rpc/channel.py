"""Channels to other Moodfeed processes: they detect a dead peer and reconnect within a second of its return."""

import grpc

from rpc.tls import ClientTls

PING_SECONDS = 10

NO_PROXY = (("grpc.enable_http_proxy", 0),)  # the processes of a deployment reach each other without one

ANY_LENGTH = (("grpc.max_receive_message_length", -1),)  # the peer is a process of ours, not a stranger

OPTIONS = (
    *NO_PROXY,
    *ANY_LENGTH,
    ("grpc.keepalive_time_ms", PING_SECONDS * 1_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # keepalive_timeout alone closes nothing in 1.85
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
    """A channel for threads; plaintext without ``tls``, whose FileContentError passes."""
    if tls is None:
        return grpc.insecure_channel(address, options=NO_PROXY)
    return grpc.secure_channel(address, tls.credentials(), options=NO_PROXY)
