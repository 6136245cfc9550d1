"""The process of the user tower service: it reads settings, loads the current bundle and serves."""

import gc
import sys
from contextlib import nullcontext

import grpc

from bundle.held_bundles import HeldBundles
from bundle.native_memory import map_large_blocks
from compute.main import serve_bundles
from moodfeed.user_tower.v1 import user_tower_pb2_grpc
from rpc.environment import load_settings
from rpc.structured_log import configure_logging
from rpc.supervisor import follow_supervisor
from user_tower_service.encoder import Encoder
from user_tower_service.loading import live_log_of, loader
from user_tower_service.service import ERRORS, LARGER_REQUESTS, SERVICE_NAME, SLOW_METHODS, UserTowerService
from user_tower_service.settings import Settings


def main() -> int:
    """Serve the current bundle until SIGTERM; returns 1 if the bundle cannot be used, 2 for a wrong setting."""
    follow_supervisor()
    map_large_blocks()  # no request allocates one
    gc.freeze()  # what is imported stays: a full collection, for which every call waits, need not look at it
    settings = load_settings(Settings)
    configure_logging("user_tower_service", level=settings.log_level)
    live = live_log_of(settings)

    def add_service(server: grpc.Server, encoders: HeldBundles[Encoder]) -> None:
        user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(UserTowerService(encoders, live), server)

    with live.followed() if live else nullcontext():
        return serve_bundles(
            settings,
            name="user_tower_service",
            load=loader(settings, live),
            add_service=add_service,
            service_name=SERVICE_NAME,
            errors=ERRORS,
            slow_methods=SLOW_METHODS,
            larger_requests=LARGER_REQUESTS,
        )


if __name__ == "__main__":
    sys.exit(main())
