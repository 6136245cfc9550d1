"""The process of the post index service: reads its settings, loads the current bundle, serves."""

import sys
from contextlib import nullcontext
from functools import partial

import faiss
import grpc

from bundle.held_bundles import HeldBundles
from compute.log_tail import LogTail
from compute.main import serve_bundles
from compute.store_settings import log_tail_of
from moodfeed.post_index.v1 import post_index_pb2_grpc
from post_index_service.engines import engine_of
from post_index_service.index import PostIndex
from post_index_service.loading import PENDING, RECALL, SERVABLE, load, wait_until_encoded
from post_index_service.orders import MOST_DENSE
from post_index_service.service import ERRORS, LARGER_REQUESTS, SERVICE_NAME, SLOW_METHODS, PostIndexService
from post_index_service.settings import Settings
from rpc.environment import load_settings
from rpc.structured_log import configure_logging
from rpc.supervisor import follow_supervisor


def main() -> int:
    """Serve the current bundle until SIGTERM; returns 1 if the bundle cannot be trusted, 2 for an invalid setting."""
    follow_supervisor()
    settings = load_settings(Settings)
    configure_logging("post_index_service", level=settings.log_level)
    faiss.omp_set_num_threads(1)  # requests run in parallel; more threads than cores are ten times slower
    log = log_tail_of(settings)
    with log.followed() if log else nullcontext():
        return serve_bundles(
            settings,
            name="post_index_service",
            load=partial(
                load,
                log=log,
                kept_seconds=settings.kept_seconds,
                explores=settings.exploration_share > 0,
                shards=settings.shards,
                shard=settings.shard,
                engine_of=engine_of(settings),
                most_dense=settings.milvus_local_posts if settings.engine == "milvus" else MOST_DENSE,
            ),
            await_ready=wait_until_encoded,
            add_service=partial(_add_service, log=log),
            service_name=SERVICE_NAME,
            errors=ERRORS,
            slow_methods=SLOW_METHODS,
            larger_requests=LARGER_REQUESTS,
        )


def _add_service(server: grpc.Server, indexes: HeldBundles[PostIndex], *, log: LogTail | None) -> None:
    RECALL.set_function(lambda: indexes.current.recall)
    PENDING.set_function(lambda: indexes.current.live.pending_count)
    SERVABLE.set_function(lambda: indexes.current.servable_count)
    post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(PostIndexService(indexes, log), server)


if __name__ == "__main__":
    sys.exit(main())
