"""A gateway of few words that dies when told to: run by tests in a container, where only grpcio is at hand.

It answers any call with the name of its host. The request `die NAME` ends the process of that host in the middle of
the call, and `wait NAME` and `hang NAME` are answered two and sixty seconds late by that host. Every other host answers
all of them at once.
"""

import os
import socket
import time
from concurrent import futures

import grpc

PORT = 50050
_ME = socket.gethostname()


def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Do what the request tells this host to, then name it."""
    if request == f"die {_ME}".encode():
        os._exit(1)
    if request == f"wait {_ME}".encode():
        time.sleep(2)
    if request == f"hang {_ME}".encode():
        time.sleep(60)
    return _ME.encode()


class AnyMethod(grpc.GenericRpcHandler):
    """Has every method of every service."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The one answer."""
        return grpc.unary_unary_rpc_method_handler(answer)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[AnyMethod()])
    server.add_insecure_port(f"0.0.0.0:{PORT}")
    server.start()
    server.wait_for_termination()
