"""The post index service: settings, bundle, index, canaries, server."""

import sys

import faiss
import grpc

from moodfeed.bundle.v1 import bundle_pb2_grpc
from moodfeed.post_index.v1 import post_index_pb2_grpc
from post_index_service.loading import RECALL, load
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from post_index_service.settings import Settings
from rpc.bundle_admin import SERVICE_NAME as ADMIN_SERVICE_NAME
from rpc.bundle_admin import BundleService, LoggedBundles
from rpc.environment import load_settings
from rpc.server import ServerOptions, serve
from rpc.structured_log import configure_logging
from two_tower.bundle import BundleError
from two_tower.held_bundles import HeldBundles


def main() -> int:
    """Serve the current bundle until SIGTERM; 1 if the bundle cannot be trusted."""
    settings = load_settings(Settings)
    configure_logging("post_index_service", level=settings.log_level)
    faiss.omp_set_num_threads(1)  # requests run side by side; more threads than cores cost tenfold
    try:
        indexes = HeldBundles(settings.bundles, load, listener=LoggedBundles())
    except BundleError as error:
        print(f"post_index_service: {error}", file=sys.stderr)
        return 1

    RECALL.set_function(lambda: indexes.current.recall)

    def add_services(server: grpc.Server) -> None:
        post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(PostIndexService(indexes), server)
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(BundleService(indexes), server)

    with indexes.watched():
        return serve(
            ServerOptions.of(settings, name="post_index_service", admin_service=ADMIN_SERVICE_NAME),
            add_services=add_services,
            service_names=[SERVICE_NAME],
            errors=ERRORS,
        )


if __name__ == "__main__":
    sys.exit(main())
