"""`python -m rpc.probe HOST:PORT`: exit code 0 if the process there says SERVING, for containers and scripts."""

import argparse
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def is_serving(address: str, *, service: str = "", timeout_seconds: float = 2.0) -> bool:
    """Whether the health service at ``address`` answers SERVING in time."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout_seconds
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main() -> int:
    """Parse the arguments, probe, and say the result in one word."""
    parser = argparse.ArgumentParser(description="Ask a gRPC process for its health.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--service", default="", help="full service name; by default the whole process")
    parser.add_argument("--timeout", type=float, default=2.0, metavar="SECONDS")
    arguments = parser.parse_args()
    healthy = is_serving(arguments.address, service=arguments.service, timeout_seconds=arguments.timeout)
    print("SERVING" if healthy else "NOT_SERVING")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
