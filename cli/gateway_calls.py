"""What every call to a running gateway shares: how long it may take, and what its failure means."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from cli.gateway_access import is_unreachable

CALL_SECONDS = 10.0


class CallRefusedError(Exception):
    """The gateway answered with an error: its status and its message."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")


@contextmanager
def calling(address: str) -> Iterator[None]:
    """Around calls to the gateway at an address: one that fails raises CallRefusedError."""
    try:
        yield
    except grpc.RpcError as error:
        raise refusal(error, address) from error


def refusal(error: grpc.RpcError, address: str) -> CallRefusedError:
    """What a failed call to the gateway means."""
    if is_unreachable(error):
        return CallRefusedError(error.code().name, f"no gateway answers at {address}: start one with `make run`")
    return CallRefusedError(error.code().name, error.details() or "")
