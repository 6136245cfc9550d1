"""Calls of the services behind the gateway, whose failures are errors of the feed."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from gateway.clients import feed_error
from rpc.attempts import NoReplicaError

_Answer = TypeVar("_Answer")


async def or_feed_error(call: Awaitable[_Answer], *, service: str) -> _Answer:
    """The answer of a call to ``service``; raises what its failure means, as feed_error says."""
    try:
        return await call
    except (grpc.aio.AioRpcError, NoReplicaError) as error:
        raise feed_error(error, service) from error
