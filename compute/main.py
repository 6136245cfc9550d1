"""The life of a compute service, from its settings to the signal that stops it: bundles, then the server."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import grpc
import structlog

from bundle.directory import Bundle
from bundle.held_bundles import HeldBundles, ModelOfBundle
from bundle.manifest import BundleError
from compute.bundle_admin import SERVICE_NAME as ADMIN_SERVICE_NAME
from compute.bundle_admin import BundleService, LoggedBundles
from compute.settings import ComputeSettings, server_options
from moodfeed.bundle.v1 import bundle_pb2_grpc
from rpc.errors import ErrorTable
from rpc.server import serve
from rpc.traced_process import traced

_log = structlog.get_logger("compute.main")


def serve_bundles(
    settings: ComputeSettings,
    *,
    name: str,
    load: Callable[[Bundle], ModelOfBundle],
    add_service: Callable[[grpc.Server, HeldBundles[ModelOfBundle]], None],
    service_name: str,
    errors: ErrorTable,
    await_ready: Callable[[ModelOfBundle, Callable[[], bool]], None] | None = None,
    slow_methods: frozenset[str] = frozenset(),
    larger_requests: Mapping[str, int] | None = None,
) -> int:
    """Serve the current bundle until SIGTERM or SIGINT; return 0, or 1 if bundle or address cannot be used."""
    try:
        held = HeldBundles(settings.bundles, load, listener=LoggedBundles(settings.bundles), await_ready=await_ready)
    except BundleError as error:
        _log.error("cannot start", reason=str(error))
        return 1

    def add_services(server: grpc.Server) -> None:
        add_service(server, held)
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(BundleService(held), server)

    with held.watched(), traced(name, settings, only_follows=True) as tracer:
        return serve(
            replace(
                server_options(settings, name=name, admin_service=ADMIN_SERVICE_NAME),
                tracer=tracer,
                slow_methods=slow_methods,
                larger_requests=larger_requests or {},
            ),
            add_services=add_services,
            service_names=[service_name],
            errors=errors,
        )
