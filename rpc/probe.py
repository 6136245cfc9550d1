"""`python -m rpc.probe HOST:PORT`: exit code 0 if the process there reports SERVING, for containers and scripts."""

import argparse
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rpc.channel import open_blocking_channel
from rpc.tls import ClientTls
from rpc.watched_files import FileContentError


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


def main() -> int:
    """Parse the arguments, probe, and print the result in one word."""
    parser = argparse.ArgumentParser(description="Check the health of a gRPC process.")
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--service", default="", help="full name of a service (default: the whole process)")
    parser.add_argument("--timeout", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument(
        "--authority", type=Path, metavar="PEM", help="certificate authority to trust (default: plaintext)"
    )
    parser.add_argument(
        "--certificate", type=Path, metavar="PEM", help="client certificate, for servers that require one"
    )
    parser.add_argument("--key", type=Path, metavar="PEM", help="private key of the client certificate")
    arguments = parser.parse_args()
    if (arguments.certificate is None) != (arguments.key is None):
        parser.error("--certificate and --key must be given together")
    if arguments.certificate and not arguments.authority:
        parser.error("--certificate requires --authority")
    tls = ClientTls(arguments.authority, arguments.certificate, arguments.key) if arguments.authority else None
    try:
        healthy = is_serving(arguments.address, service=arguments.service, timeout_seconds=arguments.timeout, tls=tls)
    except FileContentError as error:
        parser.error(str(error))
    print("SERVING" if healthy else "NOT_SERVING")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
