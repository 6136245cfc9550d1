"""The one-process mode: one bundle for encoder and index, a sync gRPC server, and HTTP beside it."""

import asyncio
import signal
import sys
from dataclasses import dataclass, replace

import faiss
import grpc
import structlog

from bundle.directory import Bundle
from bundle.held_bundles import HeldBundles
from bundle.manifest import BundleError
from compute.bundle_admin import SERVICE_NAME as ADMIN_SERVICE_NAME
from compute.bundle_admin import BundleService, LoggedBundles
from compute.settings import server_options
from embedded.ports import LocalPostIndex, LocalUserTower, Models
from embedded.service import LocalFeedService
from gateway.api_access import ACCESS_ERRORS, ApiAccess
from gateway.http_api import build_app
from gateway.http_server import HttpServer, listen, make_http_server
from gateway.readiness import Readiness
from gateway.service import ERRORS, SERVICE_NAME
from gateway.settings import LARGEST_REQUEST_BYTES
from gateway.settings import Settings as GatewaySettings
from mood_encoder.runtime import Runtime
from moodfeed.bundle.v1 import bundle_pb2_grpc
from moodfeed.feed.v1 import feed_pb2_grpc
from post_index_service.loading import RECALL
from post_index_service.loading import load as load_index
from rpc.admission import InFlight
from rpc.drain import LAME_DUCK_SECONDS
from rpc.environment import load_settings
from rpc.guard import GuardInterceptor
from rpc.server import BusyAddressError, RunningServer, ServerOptions, start_server
from rpc.server_settings import variable_of
from rpc.structured_log import configure_logging
from rpc.tls import LiveServerTls
from rpc.watched_files import FileContentError
from user_tower_service.loading import load as load_encoder
from user_tower_service.service import ERRORS as BUNDLE_ERRORS
from user_tower_service.settings import Settings as UserTowerSettings

_log = structlog.get_logger("embedded")


@dataclass(frozen=True, slots=True)
class Here:
    """A service that is part of this process, and serves as long as the process does."""

    service: str
    is_serving: bool = True


async def serve(settings: GatewaySettings, compute: UserTowerSettings, held: HeldBundles[Models]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; BusyAddressError if an address is taken."""
    stop_asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)
    tls = settings.server_tls()
    access = ApiAccess.of(settings)
    tower, index = LocalUserTower(held), LocalPostIndex(held)
    app = build_app(
        tower=tower,
        index=index,
        readiness=Readiness(needed=Here("post_index_service"), wanted=Here("user_tower_service")),
        access=access,
        in_flight=InFlight(settings.most_in_flight),
        deadline_seconds=settings.deadline_seconds,
    )
    http_server = make_http_server(app, settings, LiveServerTls(tls) if tls else None)

    def add_services(server: grpc.Server) -> None:
        service = LocalFeedService(tower=tower, index=index, deadline_seconds=settings.deadline_seconds)
        feed_pb2_grpc.add_FeedServiceServicer_to_server(service, server)
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(BundleService(held), server)

    with listen(settings.http_address) as http_socket:
        running = start_server(
            _options(settings, compute),
            add_services=add_services,
            service_names=[SERVICE_NAME],
            errors={**BUNDLE_ERRORS, **ERRORS},
            guards=[GuardInterceptor(SERVICE_NAME, access.admit_caller, ACCESS_ERRORS)],
        )
        http_task = asyncio.create_task(http_server.serve(sockets=[http_socket]))
        _log.info("serving", grpc_address=settings.grpc_address, http_address=settings.http_address)
        await stop_asked.wait()
        _log.info("draining", grace_seconds=settings.grace_seconds)
        await asyncio.gather(_stop(running, settings.grace_seconds), _stop_http(http_server, http_task))
    _log.info("stopped")


def main() -> int:
    """Serve the current bundle until SIGTERM; 1 for a bad bundle or a taken address, 2 for a wrong setting."""
    settings, compute = load_settings(GatewaySettings), load_settings(UserTowerSettings)
    configure_logging("embedded", level=settings.log_level)
    if compute.runtime is not Runtime.OPENVINO:
        variable = variable_of(UserTowerSettings, "runtime")
        print(f"embedded: {variable} is {compute.runtime}: this mode loads no torch, unset it", file=sys.stderr)
        return 2
    faiss.omp_set_num_threads(1)  # requests run side by side; more threads than cores cost tenfold

    def load(bundle: Bundle) -> Models:
        return Models(load_encoder(bundle, compute), load_index(bundle))

    try:
        held = HeldBundles(compute.bundles, load, listener=LoggedBundles())
    except BundleError as error:
        print(f"embedded: {error}", file=sys.stderr)
        return 1
    RECALL.set_function(lambda: held.current.index.recall)
    try:
        with held.watched():
            asyncio.run(serve(settings, compute, held))
    except (BusyAddressError, FileContentError) as error:
        _log.error(str(error))
        return 1
    return 0


def _options(settings: GatewaySettings, compute: UserTowerSettings) -> ServerOptions:
    """The gateway's edge on the threads of a compute service; metrics are those of HTTP."""
    return replace(
        server_options(compute, name="embedded", admin_service=ADMIN_SERVICE_NAME),
        address=settings.grpc_address,
        address_variable=variable_of(GatewaySettings, "grpc_address"),
        grace_seconds=settings.grace_seconds,
        metrics_port=0,
        tls=settings.server_tls(),
        largest_request_bytes=LARGEST_REQUEST_BYTES,
        max_connections=settings.max_connections,
    )


async def _stop(running: RunningServer, grace_seconds: float) -> None:
    await asyncio.to_thread(running.stop, grace_seconds)


async def _stop_http(http_server: HttpServer, http_task: asyncio.Task[None]) -> None:
    await asyncio.sleep(LAME_DUCK_SECONDS)
    http_server.should_exit = True
    await http_task


if __name__ == "__main__":
    sys.exit(main())
