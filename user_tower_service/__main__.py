"""The user tower service: settings, bundle, encoder, canaries, server."""

import sys
from functools import partial

import grpc

from moodfeed.bundle.v1 import bundle_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2_grpc
from rpc.bundle_admin import SERVICE_NAME as ADMIN_SERVICE_NAME
from rpc.bundle_admin import BundleService, LoggedBundles
from rpc.environment import load_settings
from rpc.server import ServerOptions, serve
from rpc.structured_log import configure_logging
from two_tower.bundle import BundleError
from two_tower.held_bundles import HeldBundles
from user_tower_service.loading import load
from user_tower_service.service import ERRORS, SERVICE_NAME, UserTowerService
from user_tower_service.settings import Settings


def main() -> int:
    """Serve the current bundle until SIGTERM; 1 if the bundle cannot be trusted."""
    settings = load_settings(Settings)
    configure_logging("user_tower_service", level=settings.log_level)

    try:
        encoders = HeldBundles(settings.bundles, partial(load, settings=settings), listener=LoggedBundles())
    except BundleError as error:
        print(f"user_tower_service: {error}", file=sys.stderr)
        return 1

    def add_services(server: grpc.Server) -> None:
        user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(UserTowerService(encoders), server)
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(BundleService(encoders), server)

    with encoders.watched():
        return serve(
            ServerOptions.of(settings, name="user_tower_service", admin_service=ADMIN_SERVICE_NAME),
            add_services=add_services,
            service_names=[SERVICE_NAME],
            errors=ERRORS,
        )


if __name__ == "__main__":
    sys.exit(main())
