"""The gateway: one event loop that serves gRPC and HTTP with the two compute services."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.api_access import ACCESS_ERRORS, ApiAccess
from gateway.catalog_access import CatalogAccess
from gateway.catalog_clients import GrpcPosts, GrpcRules
from gateway.catalog_messages import SERVICE_NAME as CATALOG_SERVICE
from gateway.catalog_service import CatalogService, RuleService
from gateway.clients import GrpcContextEncoder, GrpcPostSearch, PostIndexStub
from gateway.context_cache import CachingContextEncoder, ContextCache, WatchingPostSearch
from gateway.edge import ERRORS
from gateway.explorer_clients import GrpcExplorerFacts
from gateway.explorer_page import ExplorerPage
from gateway.feed_messages import SERVICE_NAME
from gateway.feedback_clients import GrpcPeople
from gateway.feedback_messages import OF_OPERATORS, RECORDING
from gateway.feedback_messages import SERVICE_NAME as FEEDBACK_SERVICE
from gateway.feedback_service import FeedbackService
from gateway.http_api import build_app
from gateway.http_server import HttpServer, busy_address, listen, make_http_server
from gateway.life_cycle import serve_until_stopped, stop_on_signals
from gateway.own_writes import OwnWrites, OwnWritesPostSearch
from gateway.people_changes import PeopleChanges
from gateway.people_watch import PeopleWatch
from gateway.readiness import Readiness
from gateway.request_sizes import LARGER_REQUESTS
from gateway.rule_messages import SERVICE_NAME as RULE_SERVICE
from gateway.service import FeedService
from gateway.settings import LARGEST_REQUEST_BYTES, Settings
from gateway.shard_clients import GrpcShard
from gateway.shard_names import name_of_shard
from gateway.shard_replicas import ShardReplicas
from gateway.shard_wiring import ShardWiring
from gateway.sharded_search import ShardedPostSearch
from moodfeed.catalog.v1 import catalog_pb2_grpc
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.feed.v1 import feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2_grpc
from moodfeed.rules.v1 import rules_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2_grpc
from rpc.admin_access import ADMIN_ERRORS, AdminAccess
from rpc.admission import InFlight
from rpc.drain import LAME_DUCK_SECONDS, stop_aio_when_idle
from rpc.environment import load_settings
from rpc.errors import AsyncErrorInterceptor, RequestSizes
from rpc.guard import AsyncGuardInterceptor
from rpc.metrics import AsyncMetricsInterceptor
from rpc.reflection import enable_reflection
from rpc.replicas import Replicas
from rpc.server import OPTIONS, BusyAddressError, free_target, limits
from rpc.structured_log import configure_logging
from rpc.supervisor import follow_supervisor
from rpc.tls import LiveServerTls
from rpc.traced_process import traced
from rpc.tracing import NO_TRACER, Tracer
from rpc.tracing_interceptors import AsyncTracingInterceptor
from rpc.wall_clock import now_ms
from rpc.watched_files import FileContentError

_log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a gateway that start, change and stop with the process."""

    towers: Replicas[user_tower_pb2_grpc.UserTowerServiceStub]
    indexes: Replicas[PostIndexStub] | ShardReplicas
    wiring: ShardWiring
    people: PeopleWatch
    readiness: Readiness
    health: health.aio.HealthServicer
    in_flight: tuple[InFlight, ...]
    grpc_server: grpc.aio.Server
    http_server: HttpServer

    async def report_health(self) -> None:
        """Set the gRPC health to what the readiness is now."""
        statuses = health_pb2.HealthCheckResponse
        status = statuses.NOT_SERVING if self.readiness.missing else statuses.SERVING
        for name in ("", SERVICE_NAME, FEEDBACK_SERVICE, CATALOG_SERVICE, RULE_SERVICE):
            await self.health.set(name, status)
        _log.info("readiness", missing=self.readiness.missing, degraded=self.readiness.degraded)

    async def report_change_of_index(self) -> None:
        """Set the health, and ask a replica of the index that is new which shard it is."""
        self.wiring.look()
        await self.report_health()

    async def start(self) -> None:
        """Find the replicas and start the gRPC server."""
        await asyncio.gather(self.towers.start(), self.indexes.start())
        await self.grpc_server.start()

    async def stop(self, grace_seconds: float) -> None:
        """Report NOT_SERVING, and stop the gRPC server LAME_DUCK_SECONDS later, or when it is idle after that."""
        self.towers.on_change = self.indexes.on_change = self.wiring.on_change = None
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(LAME_DUCK_SECONDS)
        await stop_aio_when_idle(self.grpc_server, in_flight=self._count, grace_seconds=grace_seconds)

    def _count(self) -> int:
        return sum(part.count for part in self.in_flight)


def build(settings: Settings, tracer: Tracer = NO_TRACER) -> Gateway:
    """Make all parts and connect them; raises FileContentError if the files of TLS or tokens cannot be used."""
    tls = settings.server_tls()
    live_tls = LiveServerTls(tls) if tls else None
    access = ApiAccess.of(settings)
    admin = AdminAccess(settings.admin_token_file, is_public=not settings.admin_from_this_machine)
    towers = Replicas(
        "user_tower_service",
        settings.user_tower_address,
        user_tower_pb2_grpc.UserTowerServiceStub,
        tls=settings.downstream_tls(),
    )
    shards = _shards(settings)
    indexes = shards[0] if len(shards) == 1 else ShardReplicas("post_index_service", shards)
    cache: ContextCache[embedding_pb2.Embedding] = ContextCache(settings.context_cache_size)
    changes = PeopleChanges(size=settings.context_cache_size)
    encoder = CachingContextEncoder(
        GrpcContextEncoder(towers, attempt_seconds=settings.attempt_seconds), cache, changes
    )
    people = GrpcPeople(towers, changes)
    tokens = settings.token_life()
    own = OwnWrites()
    posts, rules = GrpcPosts(indexes, own), GrpcRules(indexes, own)
    seconds = settings.attempt_seconds
    search: GrpcPostSearch | ShardedPostSearch = GrpcPostSearch(shards[0], attempt_seconds=seconds)
    if len(shards) > 1:
        search = ShardedPostSearch([GrpcShard(shard, attempt_seconds=seconds) for shard in shards], now_ms=now_ms)
    index = WatchingPostSearch(OwnWritesPostSearch(search, own), cache)
    wiring = (
        search.wiring
        if isinstance(search, ShardedPostSearch)
        else ShardWiring([GrpcShard(shards[0], attempt_seconds=seconds)])
    )
    readiness = Readiness(needed=indexes, wanted=towers, shards=shards if len(shards) > 1 else (), wiring=wiring)
    in_flight = InFlight(settings.most_in_flight)
    recordings = InFlight(settings.most_in_flight)  # apart: a store that is slow must not keep feeds out
    app = build_app(
        encoder=encoder,
        index=index,
        recorder=people,
        people=people,
        posts=posts,
        rules=rules,
        readiness=readiness,
        access=access,
        guard=settings.browser_guard(),
        admin=admin,
        admin_guard=settings.admin_guard(),
        in_flight=in_flight,
        recordings=recordings,
        deadline_seconds=settings.deadline_seconds,
        memory=people,
        tokens=tokens,
        exploration_share=settings.exploration_share,
        tracer=tracer,
        explorer=ExplorerPage.of(settings, people, GrpcExplorerFacts(towers, indexes, attempt_seconds=seconds)),
    )
    service = FeedService(
        encoder=encoder,
        index=index,
        in_flight=in_flight,
        deadline_seconds=settings.deadline_seconds,
        access=access,
        memory=people,
        tokens=tokens,
        exploration_share=settings.exploration_share,
    )
    feedback = FeedbackService(people, in_flight=recordings, deadline_seconds=settings.deadline_seconds)
    health_servicer = health.aio.HealthServicer()
    gateway = Gateway(
        towers,
        indexes,
        wiring,
        PeopleWatch(towers, changes),
        readiness,
        health_servicer,
        (in_flight, recordings),
        _grpc_server(
            settings,
            service=service,
            feedback=feedback,
            catalog=CatalogService(posts, in_flight=recordings, deadline_seconds=settings.deadline_seconds),
            rules=RuleService(rules, in_flight=recordings, deadline_seconds=settings.deadline_seconds),
            health_servicer=health_servicer,
            access=access,
            admin=admin,
            live_tls=live_tls,
            tracer=tracer,
        ),
        make_http_server(app, settings, live_tls),
    )
    towers.on_change = wiring.on_change = gateway.report_health
    indexes.on_change = gateway.report_change_of_index
    return gateway


def _shards(settings: Settings) -> Sequence[Replicas[PostIndexStub]]:
    """The replicas of each shard of the index."""
    shards, tls = settings.post_index_address, settings.downstream_tls()
    if len(shards) == 1:
        return [Replicas("post_index_service", shards[0], PostIndexStub, tls=tls)]
    names = [f"post_index_service {name_of_shard(number, len(shards))}" for number in range(len(shards))]
    return [Replicas(name, shard, PostIndexStub, tls=tls) for name, shard in zip(names, shards, strict=True)]


def _grpc_server(
    settings: Settings,
    *,
    service: FeedService[embedding_pb2.Embedding],
    feedback: FeedbackService,
    catalog: CatalogService,
    rules: RuleService,
    health_servicer: health.aio.HealthServicer,
    access: ApiAccess,
    admin: AdminAccess,
    live_tls: LiveServerTls | None,
    tracer: Tracer,
) -> grpc.aio.Server:
    """A gRPC server that has its port but does not answer yet; raises BusyAddressError if the port is taken."""
    sizes = RequestSizes(LARGEST_REQUEST_BYTES, LARGER_REQUESTS)
    server = grpc.aio.server(
        interceptors=[
            AsyncTracingInterceptor(tracer),
            AsyncMetricsInterceptor(),
            AsyncGuardInterceptor(SERVICE_NAME, access.admit_caller, ACCESS_ERRORS),
            AsyncGuardInterceptor(FEEDBACK_SERVICE, access.admit_feedback_caller, ACCESS_ERRORS, methods=RECORDING),
            AsyncGuardInterceptor(FEEDBACK_SERVICE, admin.admit, ADMIN_ERRORS, methods=OF_OPERATORS),
            AsyncGuardInterceptor(
                CATALOG_SERVICE, CatalogAccess(access, admin).admit, {**ACCESS_ERRORS, **ADMIN_ERRORS}
            ),
            AsyncGuardInterceptor(RULE_SERVICE, admin.admit, ADMIN_ERRORS),
            AsyncErrorInterceptor(ERRORS, sizes),
        ],
        options=OPTIONS + limits(largest_request_bytes=sizes.largest, max_connections=settings.max_connections),
    )
    feed_pb2_grpc.add_FeedServiceServicer_to_server(service, server)
    feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(feedback, server)
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(catalog, server)
    rules_pb2_grpc.add_RuleServiceServicer_to_server(rules, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    services = [SERVICE_NAME, FEEDBACK_SERVICE, CATALOG_SERVICE, RULE_SERVICE, health.SERVICE_NAME]
    enable_reflection(services, server)
    try:
        with free_target(settings.grpc_address) as target:
            if live_tls:
                server.add_secure_port(target, live_tls.grpc_credentials())
            else:
                server.add_insecure_port(target)
    except RuntimeError as error:
        raise busy_address(settings.grpc_address, "MOODFEED_GATEWAY_GRPC_ADDRESS") from error
    return server


async def serve(settings: Settings, tracer: Tracer) -> None:
    """Serve until SIGTERM or SIGINT, then drain; raises BusyAddressError, FileContentError."""
    stop_asked = stop_on_signals()
    with listen(settings.http_address) as http_socket:
        gateway = build(settings, tracer)
        await gateway.report_health()
        await gateway.start()
        replica_tasks = [asyncio.create_task(part.run()) for part in (gateway.people, gateway.towers, gateway.indexes)]
        replica_tasks.append(asyncio.create_task(gateway.wiring.watch()))
        await serve_until_stopped(
            stop_asked,
            settings=settings,
            http_server=gateway.http_server,
            http_socket=http_socket,
            stop_grpc=lambda: gateway.stop(settings.grace_seconds),
        )
        for task in replica_tasks:
            task.cancel()
        await asyncio.gather(*replica_tasks, return_exceptions=True)


def main() -> int:
    """Serve; the exit code is 0 after a clean stop, 1 if an address is taken or a file cannot be used."""
    follow_supervisor()
    settings = load_settings(Settings)
    configure_logging("gateway", level=settings.log_level)
    try:
        with traced("gateway", settings) as tracer:
            asyncio.run(serve(settings, tracer))
    except (BusyAddressError, FileContentError) as error:
        _log.error(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
