"""Reflection as grpcurl asks for it, under both names, on both kinds of server."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from rpc.reflection import enable_reflection

VERSIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
NAMES = {health.SERVICE_NAME, *(f"{version}.ServerReflection" for version in VERSIONS)}


@contextmanager
def sync_server() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    enable_reflection([health.SERVICE_NAME], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


@contextmanager
def asyncio_server() -> Iterator[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        server = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        enable_reflection([health.SERVICE_NAME], server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    yield port
    asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(params=[sync_server, asyncio_server], ids=["sync", "asyncio"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with request.param() as port:
        yield port


def ask(port: int, version: str, **asked: str) -> reflection_pb2.ServerReflectionResponse:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(
            f"/{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        return next(call(iter([reflection_pb2.ServerReflectionRequest(**asked)]), timeout=10))


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_list_every_service_and_describe_it(port: int, version: str) -> None:
    listed = ask(port, version, list_services="").list_services_response.service
    assert {service.name for service in listed} == NAMES
    for name in NAMES:
        answer = ask(port, version, file_containing_symbol=name)
        assert answer.file_descriptor_response.file_descriptor_proto, name


def test_grpcurl_describes_the_first_version(port: int) -> None:
    grpcurl = Path(sys.executable).parent / "grpcurl"
    done = subprocess.run(
        [grpcurl, "-plaintext", f"127.0.0.1:{port}", "describe", "grpc.reflection.v1.ServerReflection"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "stream .grpc.reflection.v1.ServerReflectionRequest" in done.stdout
