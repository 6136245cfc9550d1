"""Whether a process reports SERVING, for programs that have gRPC at hand; rpc/lean_probe.py is for containers."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rpc.channel import open_blocking_channel
from rpc.tls import ClientTls


def is_serving(address: str, *, service: str = "", timeout_seconds: float = 2.0, tls: ClientTls | None = None) -> bool:
    """Whether the health service at ``address`` answers SERVING within ``timeout_seconds``.

    Raises FileContentError if a file of ``tls`` cannot be used.
    """
    with open_blocking_channel(address, tls) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout_seconds
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
