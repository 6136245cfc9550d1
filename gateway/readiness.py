"""Whether the services behind the gateway are SERVING: watched, not guessed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_RETRY_SECONDS = 0.2


class Readiness:
    """Watches the health of each downstream service and tells when the answer for all of them changes."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._channels = channels
        self._serving = dict.fromkeys(channels, False)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the services that are not SERVING; empty if the gateway is ready."""
        return tuple(name for name, is_serving in self._serving.items() if not is_serving)

    async def watch(self, on_change: Callable[[bool], Awaitable[None]]) -> None:
        """Watch until cancelled; calls ``on_change`` with whether all are SERVING, at every change."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._channels:
                tasks.create_task(self._watch_one(name, on_change))

    async def _watch_one(self, name: str, on_change: Callable[[bool], Awaitable[None]]) -> None:
        stub = health_pb2_grpc.HealthStub(self._channels[name])
        while True:
            try:
                async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
                    await self._set(name, answer.status == health_pb2.HealthCheckResponse.SERVING, on_change)
            except grpc.aio.AioRpcError:
                pass
            await self._set(name, False, on_change)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _set(self, name: str, is_serving: bool, on_change: Callable[[bool], Awaitable[None]]) -> None:
        if self._serving[name] != is_serving:
            self._serving[name] = is_serving
            await on_change(not self.missing)
