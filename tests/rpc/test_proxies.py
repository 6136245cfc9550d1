"""A proxy of the environment is for the way out of a network, never for calls between our own processes."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rpc.channel import open_channel
from rpc.probe import is_serving
from rpc.server import RunningServer, ServerOptions, start_server

HTTP, SOCKS = "http://127.0.0.1:1", "socks5://127.0.0.1:1"
NAMES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")


@pytest.fixture(params=[HTTP, SOCKS])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    for name in NAMES:
        monkeypatch.setenv(name, request.param)
        monkeypatch.setenv(name.upper(), request.param)
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    options = ServerOptions("test", "127.0.0.1:0", "TEST_ADDRESS", pool_size=1, grace_seconds=0)
    running = start_server(options, add_services=lambda server: None, service_names=[], errors={})
    yield running
    running.stop(0)


def test_the_probe_goes_straight_to_its_process(server: RunningServer) -> None:
    assert is_serving(f"127.0.0.1:{server.port}")


def test_an_asyncio_channel_goes_straight_to_its_process(server: RunningServer) -> None:
    async def check() -> int:
        async with open_channel(f"localhost:{server.port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status

    assert asyncio.run(check()) == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("server", [HTTP], indirect=True)  # gRPC follows no other kind
def test_the_environment_of_these_tests_does_stop_a_channel_that_follows_it(server: RunningServer) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
