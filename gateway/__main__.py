"""The gateway: one event loop that serves gRPC and HTTP over the two compute services."""

import asyncio
import signal
import sys

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.api_access import ACCESS_ERRORS, ApiAccess
from gateway.clients import GrpcPostIndex, GrpcUserTower, PostIndexStub
from gateway.context_cache import ContextCache, RememberingUserTower, WatchingPostIndex
from gateway.http_api import build_app
from gateway.http_server import busy_address, listen, make_http_server
from gateway.readiness import Readiness
from gateway.service import ERRORS, SERVICE_NAME, FeedService
from gateway.settings import LARGEST_REQUEST_BYTES, Settings
from moodfeed.feed.v1 import feed_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2_grpc
from rpc.admission import InFlight
from rpc.drain import LAME_DUCK_SECONDS, stop_aio_when_idle
from rpc.environment import load_settings
from rpc.errors import AsyncErrorInterceptor
from rpc.guard import AsyncGuardInterceptor
from rpc.metrics import AsyncMetricsInterceptor
from rpc.replicas import Replicas
from rpc.server import OPTIONS, BusyAddressError, limits
from rpc.structured_log import configure_logging
from rpc.tls import LiveServerTls
from rpc.watched_files import FileContentError

_log = structlog.get_logger("gateway")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; BusyAddressError if an address is taken."""
    stop_asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)

    tls = settings.server_tls()
    live_tls = LiveServerTls(tls) if tls else None
    access = ApiAccess.of(settings)
    towers = Replicas(
        "user_tower_service",
        settings.user_tower_address,
        user_tower_pb2_grpc.UserTowerServiceStub,
        tls=settings.downstream_tls(),
    )
    indexes = Replicas(
        "post_index_service",
        settings.post_index_address,
        PostIndexStub,
        tls=settings.downstream_tls(),
    )
    cache = ContextCache(settings.context_cache_size)
    tower = RememberingUserTower(GrpcUserTower(towers, attempt_seconds=settings.attempt_seconds), cache)
    index = WatchingPostIndex(GrpcPostIndex(indexes, attempt_seconds=settings.attempt_seconds), cache)
    readiness = Readiness(needed=indexes, wanted=towers)
    in_flight = InFlight(settings.most_in_flight)
    health_servicer = health.aio.HealthServicer()

    async def tell_health() -> None:
        status = (
            health_pb2.HealthCheckResponse.NOT_SERVING if readiness.missing else health_pb2.HealthCheckResponse.SERVING
        )
        for name in ("", SERVICE_NAME):
            await health_servicer.set(name, status)
        _log.info("readiness", missing=readiness.missing, degraded=readiness.degraded)

    await tell_health()
    towers.on_change = indexes.on_change = tell_health
    server = grpc.aio.server(
        interceptors=[
            AsyncMetricsInterceptor(),
            AsyncGuardInterceptor(SERVICE_NAME, access.admit_caller, ACCESS_ERRORS),
            AsyncErrorInterceptor(ERRORS),
        ],
        options=OPTIONS + limits(largest_request_bytes=LARGEST_REQUEST_BYTES, max_connections=settings.max_connections),
    )
    feed_pb2_grpc.add_FeedServiceServicer_to_server(
        FeedService(tower=tower, index=index, in_flight=in_flight, deadline_seconds=settings.deadline_seconds), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection([SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    app = build_app(
        tower=tower,
        index=index,
        readiness=readiness,
        access=access,
        in_flight=in_flight,
        deadline_seconds=settings.deadline_seconds,
    )
    http_server = make_http_server(app, settings, live_tls)
    with listen(settings.http_address) as http_socket:
        try:
            if live_tls:
                server.add_secure_port(settings.grpc_address, live_tls.grpc_credentials())
            else:
                server.add_insecure_port(settings.grpc_address)
        except RuntimeError as error:
            raise busy_address(settings.grpc_address, "MOODFEED_GATEWAY_GRPC_ADDRESS") from error
        await asyncio.gather(towers.start(), indexes.start())
        await server.start()
        http_task = asyncio.create_task(http_server.serve(sockets=[http_socket]))
        replica_tasks = [asyncio.create_task(replicas.run()) for replicas in (towers, indexes)]
        _log.info("serving", grpc_address=settings.grpc_address, http_address=settings.http_address)

        await stop_asked.wait()

        _log.info("draining", grace_seconds=settings.grace_seconds)
        towers.on_change = indexes.on_change = None
        await health_servicer.enter_graceful_shutdown()
        await asyncio.sleep(LAME_DUCK_SECONDS)
        http_server.should_exit = True
        await asyncio.gather(
            stop_aio_when_idle(server, in_flight=lambda: in_flight.count, grace_seconds=settings.grace_seconds),
            http_task,
        )
        for task in replica_tasks:
            task.cancel()
        await asyncio.gather(*replica_tasks, return_exceptions=True)
    _log.info("stopped")


def main() -> int:
    """Serve; the exit code is 0 after a clean stop, 1 if an address is taken."""
    settings = load_settings(Settings)
    configure_logging("gateway", level=settings.log_level)
    try:
        asyncio.run(serve(settings))
    except (BusyAddressError, FileContentError) as error:
        _log.error(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
