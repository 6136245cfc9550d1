"""The one-process mode: the encoder and the index of one bundle behind a sync gRPC server, and HTTP beside it."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
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
from embedded.catalog import LocalPosts, LocalRules, ThreadedPosts, ThreadedRules
from embedded.catalog_service import LocalCatalogService, LocalRuleService
from embedded.explorer_facts import ThreadedExplorerFacts
from embedded.feedback import LocalRecorder
from embedded.feedback_service import LocalFeedbackService
from embedded.people import LocalPeople, ThreadedKnownPeople, ThreadedPeople
from embedded.ports import LocalContextEncoder, LocalPostSearch, Models
from embedded.served_memory import LocalServedMemory, ThreadedServedMemory
from embedded.service import LocalFeedService
from embedded.threaded import ThreadedContextEncoder, ThreadedPostSearch, ThreadedRecorder
from gateway.api_access import ACCESS_ERRORS, ApiAccess
from gateway.catalog_access import CatalogAccess
from gateway.catalog_messages import METHODS as CATALOG_METHODS
from gateway.catalog_messages import SERVICE_NAME as CATALOG_SERVICE
from gateway.edge import ERRORS
from gateway.explorer_page import ExplorerPage
from gateway.feed_messages import SERVICE_NAME
from gateway.feedback_messages import OF_OPERATORS, RECORDING
from gateway.feedback_messages import SERVICE_NAME as FEEDBACK_SERVICE
from gateway.http_api import build_app
from gateway.http_server import listen, make_http_server
from gateway.life_cycle import serve_until_stopped, stop_on_signals
from gateway.readiness import Readiness
from gateway.request_sizes import LARGER_REQUESTS
from gateway.rule_messages import METHODS as RULE_METHODS
from gateway.rule_messages import SERVICE_NAME as RULE_SERVICE
from gateway.settings import LARGEST_REQUEST_BYTES
from gateway.settings import Settings as GatewaySettings
from mood_encoder.runtime import Runtime
from moodfeed.bundle.v1 import bundle_pb2_grpc
from moodfeed.catalog.v1 import catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2_grpc
from moodfeed.rules.v1 import rules_pb2_grpc
from post_index_service.kept_moments import kept_seconds
from post_index_service.loading import PENDING, RECALL, SERVABLE, wait_until_encoded
from post_index_service.loading import load as load_index
from post_index_service.post_store import PostStore
from post_index_service.settings import Settings as PostIndexSettings
from rpc.admin_access import ADMIN_ERRORS, AdminAccess
from rpc.admission import InFlight
from rpc.environment import load_settings
from rpc.guard import GuardInterceptor
from rpc.server import BusyAddressError, ServerOptions, start_server
from rpc.server_settings import variable_of
from rpc.structured_log import configure_logging
from rpc.supervisor import follow_supervisor
from rpc.tls import LiveServerTls
from rpc.traced_process import traced
from rpc.tracing import Tracer
from rpc.watched_files import FileContentError
from user_tower_service.live_log import LiveLog
from user_tower_service.loading import live_log_of
from user_tower_service.loading import loader as encoder_loader
from user_tower_service.people_store import PeopleStore
from user_tower_service.service import ERRORS as BUNDLE_ERRORS
from user_tower_service.settings import Settings as UserTowerSettings

_SLOW_METHODS = frozenset(
    f"/{service}/{method}"
    for service, methods in (
        (FEEDBACK_SERVICE, RECORDING | OF_OPERATORS),
        (CATALOG_SERVICE, CATALOG_METHODS),
        (RULE_SERVICE, RULE_METHODS),
    )
    for method in methods
)
"""Those that wait for the store."""

_log = structlog.get_logger("embedded")


@dataclass(frozen=True, slots=True)
class LocalService:
    """A service that is part of this process, and serves for as long as the process does."""

    service: str
    is_serving: bool = True


async def serve(
    settings: GatewaySettings,
    compute: UserTowerSettings,
    held: HeldBundles[Models],
    live: LiveLog | None,
    tracer: Tracer,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; raises BusyAddressError, FileContentError."""
    stop_asked = stop_on_signals()
    tls = settings.server_tls()
    access = ApiAccess.of(settings)
    admin = AdminAccess(compute.admin_token_file, is_public=not settings.admin_from_this_machine)
    people = PeopleStore(live)
    recorder, keeper = LocalRecorder(people), LocalPeople(people)
    encoder, index = LocalContextEncoder(held, people), LocalPostSearch(held)
    memory = LocalServedMemory(people)
    kept = PostStore(lambda: [models.index for models in held.models], live.tail if live else None)
    posts, rules = LocalPosts(kept), LocalRules(kept)
    tokens = settings.token_life()
    app = build_app(
        encoder=ThreadedContextEncoder(encoder),
        index=ThreadedPostSearch(index),
        recorder=ThreadedRecorder(recorder),
        people=ThreadedPeople(keeper),
        posts=ThreadedPosts(posts),
        rules=ThreadedRules(rules),
        readiness=Readiness(needed=LocalService("post_index_service"), wanted=LocalService("user_tower_service")),
        access=access,
        guard=settings.browser_guard(),
        admin=admin,
        admin_guard=settings.admin_guard(),
        in_flight=InFlight(settings.most_in_flight),
        recordings=InFlight(settings.most_in_flight),
        deadline_seconds=settings.deadline_seconds,
        memory=ThreadedServedMemory(memory),
        tokens=tokens,
        exploration_share=settings.exploration_share,
        tracer=tracer,
        explorer=ExplorerPage.of(settings, ThreadedKnownPeople(held), ThreadedExplorerFacts(held)),
    )
    http_server = make_http_server(app, settings, LiveServerTls(tls) if tls else None)

    def add_services(server: grpc.Server) -> None:
        service = LocalFeedService(
            encoder=encoder,
            index=index,
            deadline_seconds=settings.deadline_seconds,
            access=access,
            memory=memory,
            tokens=tokens,
            exploration_share=settings.exploration_share,
        )
        catalog = LocalCatalogService(posts, deadline_seconds=settings.deadline_seconds)
        feedback = LocalFeedbackService(recorder, keeper, deadline_seconds=settings.deadline_seconds)
        feed_pb2_grpc.add_FeedServiceServicer_to_server(service, server)
        feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(feedback, server)
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(catalog, server)
        rules_pb2_grpc.add_RuleServiceServicer_to_server(LocalRuleService(rules), server)
        bundle_pb2_grpc.add_BundleServiceServicer_to_server(BundleService(held), server)

    with listen(settings.http_address) as http_socket:
        running = start_server(
            replace(_options(settings, compute), tracer=tracer),
            add_services=add_services,
            service_names=[SERVICE_NAME, FEEDBACK_SERVICE, CATALOG_SERVICE, RULE_SERVICE],
            errors={**BUNDLE_ERRORS, **ERRORS},
            guards=[
                GuardInterceptor(SERVICE_NAME, access.admit_caller, ACCESS_ERRORS),
                GuardInterceptor(FEEDBACK_SERVICE, access.admit_feedback_caller, ACCESS_ERRORS, methods=RECORDING),
                GuardInterceptor(FEEDBACK_SERVICE, admin.admit, ADMIN_ERRORS, methods=OF_OPERATORS),
                GuardInterceptor(
                    CATALOG_SERVICE, CatalogAccess(access, admin).admit, {**ACCESS_ERRORS, **ADMIN_ERRORS}
                ),
                GuardInterceptor(RULE_SERVICE, admin.admit, ADMIN_ERRORS),
            ],
        )
        await serve_until_stopped(
            stop_asked,
            settings=settings,
            http_server=http_server,
            http_socket=http_socket,
            stop_grpc=lambda: asyncio.to_thread(running.stop, settings.grace_seconds),
        )


def main() -> int:
    """Serve the current bundle.

    The exit code is 0 after a clean stop, 1 if the bundle, an address or a file cannot be used, 2 for a wrong setting.
    """
    follow_supervisor()
    gc.freeze()  # as in the user tower service
    settings, compute = load_settings(GatewaySettings), load_settings(UserTowerSettings)
    configure_logging("embedded", level=settings.log_level)
    if compute.runtime is not Runtime.OPENVINO:
        variable = variable_of(UserTowerSettings, "runtime")
        _log.error(f"{variable}={str(compute.runtime)!r}: this mode does not load torch: unset it")
        return 2
    for name, only in (("engine", "faiss"), ("shards", "1")):
        variable = variable_of(PostIndexSettings, name)
        if (value := os.environ.get(variable, only)).lower() != only:
            _log.error(f"{variable}={value!r}: this mode holds and searches all posts itself: unset it")
            return 2
    faiss.omp_set_num_threads(1)  # requests run in parallel; more threads than cores made them ten times slower

    live = live_log_of(compute)
    load_encoder = encoder_loader(compute, live)

    def load(bundle: Bundle) -> Models:
        index = load_index(
            bundle,
            log=live.tail if live else None,
            kept_seconds=kept_seconds(settings.page_token_minutes),
            explores=settings.exploration_share > 0,
        )
        return Models(load_encoder(bundle), index)

    def await_ready(models: Models, is_over: Callable[[], bool]) -> None:
        wait_until_encoded(models.index, is_over)

    with live.followed() if live else nullcontext():
        try:
            held = HeldBundles(compute.bundles, load, listener=LoggedBundles(compute.bundles), await_ready=await_ready)
        except BundleError as error:
            _log.error("cannot start", reason=str(error))
            return 1
        RECALL.set_function(lambda: held.current.index.recall)
        PENDING.set_function(lambda: held.current.index.live.pending_count)
        SERVABLE.set_function(lambda: held.current.index.servable_count)
        try:
            with held.watched(), traced("embedded", settings) as tracer:
                asyncio.run(serve(settings, compute, held, live, tracer))
        except (BusyAddressError, FileContentError) as error:
            _log.error(str(error))
            return 1
    return 0


def _options(settings: GatewaySettings, compute: UserTowerSettings) -> ServerOptions:
    """The gateway's address and limits with the threads of a compute service; HTTP serves the metrics."""
    return replace(
        server_options(compute, name="embedded", admin_service=ADMIN_SERVICE_NAME),
        address=settings.grpc_address,
        address_variable=variable_of(GatewaySettings, "grpc_address"),
        grace_seconds=settings.grace_seconds,
        metrics_port=0,
        tls=settings.server_tls(),
        largest_request_bytes=LARGEST_REQUEST_BYTES,
        larger_requests=LARGER_REQUESTS,
        slow_methods=_SLOW_METHODS,
        max_connections=settings.max_connections,
        is_public=True,
    )


if __name__ == "__main__":
    sys.exit(main())
