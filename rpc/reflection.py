"""Server reflection under both of its names: grpc.reflection.v1, and v1alpha for older tools."""

from collections.abc import Sequence
from typing import cast

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

ALPHA = "grpc.reflection.v1alpha"
FIRST = "grpc.reflection.v1"
_SERVICE = "ServerReflection"


def enable_reflection(service_names: Sequence[str], server: grpc.Server | grpc.aio.Server) -> None:
    """Let tools such as grpcurl ask ``server`` about these services and about reflection itself.

    grpcio-reflection 1.85 has v1alpha only. v1 is the same protocol in another package, with the same messages on the
    wire, so the handlers of v1alpha answer it.
    """
    _describe_first_version()
    names = [*service_names, f"{ALPHA}.{_SERVICE}", f"{FIRST}.{_SERVICE}"]
    reflection.enable_server_reflection(names, server)
    is_aio = isinstance(server, grpc.aio.Server)
    servicer = (reflection.aio.ReflectionServicer if is_aio else reflection.ReflectionServicer)(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(f"{FIRST}.{_SERVICE}", {"ServerReflectionInfo": handler})
    cast("grpc.Server", server).add_generic_rpc_handlers((generic,))


def _describe_first_version() -> None:
    """Add the description of v1 to the descriptors that reflection answers from: that of v1alpha, renamed."""
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name = file.name.replace("v1alpha", "v1")
    file.package = FIRST
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(ALPHA, FIRST)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(ALPHA, FIRST)
            method.output_type = method.output_type.replace(ALPHA, FIRST)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())  # the same file again is no error
