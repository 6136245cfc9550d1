"""The post index service: settings, bundle, index, canaries, server."""

import sys

import faiss

from moodfeed.bundle.v1 import bundle_pb2
from moodfeed.post_index.v1 import post_index_pb2_grpc
from post_index_service.canaries import check_canaries
from post_index_service.index import PostIndex
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from post_index_service.settings import Settings
from rpc.environment import load_settings
from rpc.server import ServerOptions, serve
from rpc.structured_log import configure_logging
from two_tower.bundle import BundleError, current_bundle, open_bundle
from two_tower.bundle_files import IndexPosts


def main() -> int:
    """Serve the current bundle until SIGTERM; 1 if the bundle cannot be trusted."""
    settings = load_settings(Settings)
    configure_logging("post_index_service", level=settings.log_level)
    faiss.omp_set_num_threads(1)  # requests run side by side; more threads than cores cost tenfold
    try:
        bundle = open_bundle(current_bundle(settings.bundles))
        index = PostIndex(IndexPosts.read(bundle), bundle_id=bundle.bundle_id, user_weight=bundle.manifest.user_weight)
        check_canaries(index, bundle)  # warms FAISS too
    except BundleError as error:
        print(f"post_index_service: {error}", file=sys.stderr)
        return 1
    return serve(
        ServerOptions(
            name="post_index_service",
            address=settings.address,
            address_variable="MOODFEED_POST_INDEX_ADDRESS",
            pool_size=settings.pool_size,
            grace_seconds=settings.grace_seconds,
            metrics_port=settings.metrics_port,
            metrics_host=settings.metrics_host,
            tls=settings.server_tls(),
            max_connections=settings.max_connections,
            admin_service=bundle_pb2.DESCRIPTOR.services_by_name["BundleService"].full_name,
            admin_tokens_file=settings.admin_token_file,
        ),
        add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
            PostIndexService(index), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )


if __name__ == "__main__":
    sys.exit(main())
