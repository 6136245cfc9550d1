"""The user tower service: settings, bundle, encoder, canaries, server."""

import sys

import torch

from moodfeed.bundle.v1 import bundle_pb2
from moodfeed.user_tower.v1 import user_tower_pb2_grpc
from rpc.environment import load_settings
from rpc.server import ServerOptions, serve
from rpc.structured_log import configure_logging
from two_tower.bundle import BundleError, current_bundle, open_bundle
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from user_tower_service.service import ERRORS, SERVICE_NAME, UserTowerService
from user_tower_service.settings import Settings


def main() -> int:
    """Serve the current bundle until SIGTERM; 1 if the bundle cannot be trusted."""
    settings = load_settings(Settings)
    configure_logging("user_tower_service", level=settings.log_level)
    torch.set_num_threads(1)  # requests run side by side; more threads than cores cost tenfold
    try:
        bundle = open_bundle(current_bundle(settings.bundles))
        encoder = Encoder(bundle, mood_cache_size=settings.mood_cache_size)
        check_canaries(encoder, bundle)  # warms the towers and BERT too
    except BundleError as error:
        print(f"user_tower_service: {error}", file=sys.stderr)
        return 1
    return serve(
        ServerOptions(
            name="user_tower_service",
            address=settings.address,
            address_variable="MOODFEED_USER_TOWER_ADDRESS",
            pool_size=settings.pool_size,
            grace_seconds=settings.grace_seconds,
            metrics_port=settings.metrics_port,
            metrics_host=settings.metrics_host,
            tls=settings.server_tls(),
            max_connections=settings.max_connections,
            admin_service=bundle_pb2.DESCRIPTOR.services_by_name["BundleService"].full_name,
            admin_tokens_file=settings.admin_token_file,
        ),
        add_services=lambda server: user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(
            UserTowerService(encoder), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )


if __name__ == "__main__":
    sys.exit(main())
