"""A sync gRPC server as every compute service runs it: health, reflection, metrics, errors and graceful shutdown."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from rpc.addresses import UnixSocket, claimed, is_answered, read_address
from rpc.admin_access import ADMIN_ERRORS, AdminAccess
from rpc.admission import AdmissionInterceptor, AdmissionPool
from rpc.channel import PING_SECONDS
from rpc.deadline import ExpiredInterceptor
from rpc.drain import LAME_DUCK_SECONDS, stop_when_idle
from rpc.errors import ErrorInterceptor, ErrorTable, RequestSizes
from rpc.guard import GuardInterceptor
from rpc.metrics import MetricsInterceptor
from rpc.metrics_server import start_metrics_server
from rpc.reflection import enable_reflection
from rpc.supervisor import report_serving
from rpc.tls import LiveServerTls, ServerTls
from rpc.tracing import NO_TRACER, Tracer
from rpc.tracing_interceptors import TracingInterceptor
from rpc.watched_files import FileContentError

_log = structlog.get_logger("rpc.server")


def keepalive(*, ping_seconds: float, answer_seconds: float) -> tuple[tuple[str, int], ...]:
    """Channel arguments that close the connection of a peer that leaves a ping unanswered; its place becomes free."""
    return (
        ("grpc.keepalive_time_ms", round(ping_seconds * 1_000)),
        ("grpc.keepalive_timeout_ms", round(answer_seconds * 1_000)),
        ("grpc.http2.ping_timeout_ms", round(answer_seconds * 1_000)),  # keepalive_timeout alone closes nothing in 1.85
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),  # else two pings are all that an idle peer gets
    )


OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second process on the same port is an error
    *keepalive(ping_seconds=20, answer_seconds=10),
    # rpc.channel pings idle peers; by default a server treats that as abuse and closes the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", PING_SECONDS * 500),
)

LARGEST_METADATA_BYTES = 8 * 1024
MOST_STREAMS_PER_CONNECTION = 256
LARGEST_FRAME_BYTES = 16 * 1024
HANDSHAKE_SECONDS = 10


def limits(*, largest_request_bytes: int, max_connections: int) -> tuple[tuple[str, int], ...]:
    """Channel arguments that limit what a caller can make a server hold; for sync and asyncio servers."""
    return (
        ("grpc.max_receive_message_length", largest_request_bytes),
        ("grpc.max_metadata_size", LARGEST_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", LARGEST_METADATA_BYTES),  # else it may be twice that
        ("grpc.max_concurrent_streams", MOST_STREAMS_PER_CONNECTION),
        ("grpc.http2.max_frame_size", LARGEST_FRAME_BYTES),
        ("grpc.http2.bdp_probe", 0),  # else it raises frames and windows to 4 MiB, past the limit above
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_SECONDS * 1_000),
    )


class BusyAddressError(Exception):
    """The address cannot be listened on; the text names it and the environment variable that changes it."""


class HealthServicer(health.HealthServicer):  # type: ignore[misc] # grpc_health has no types
    """The servicer of grpc_health without its deadlock.

    That one holds a lock while it sends a new state to each watcher, and waits until the state is sent. A watcher that
    leaves at that moment makes the server's only event thread wait for the lock, and nothing is ever sent again.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "health")
        super().__init__(experimental_non_blocking=True, experimental_thread_pool=self._threads)

    def _on_close_callback(self, send_response_callback: Callable[..., None], service: str) -> Callable[[], object]:
        forget = super()._on_close_callback(send_response_callback, service)
        return lambda: self._threads.submit(forget)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What an operator decides about a server."""

    name: str
    address: str
    address_variable: str
    pool_size: int
    grace_seconds: float
    metrics_port: int = 0  # 0 for none
    metrics_host: str = "127.0.0.1"
    metrics_tls: ServerTls | None = None  # None for plain HTTP
    most_waiting: int = 64  # requests that may wait for a thread; more are refused at once
    tls: ServerTls | None = None  # None for plaintext
    largest_request_bytes: int = 2 * 1024 * 1024
    max_connections: int = 1000
    admin_service: str = ""  # full name of the service that only operators may call
    admin_tokens_file: Path | None = None  # None admits this machine only, and nobody where is_public
    is_public: bool = False  # whether callers of feeds reach the address
    larger_requests: Mapping[str, int] = field(default_factory=dict)  # by /package.Service/Method, in bytes
    slow_methods: frozenset[str] = frozenset()  # /package.Service/Method of those that wait for a disk
    slow_threads: int = 16  # that answer them
    tracer: Tracer = NO_TRACER


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that accepts requests."""

    port: int
    _server: grpc.Server
    _pools: tuple[AdmissionPool, ...]
    _health: health.HealthServicer
    _service_names: tuple[str, ...]

    def set_serving(self, is_serving: bool) -> None:
        """Report by health Check and Watch whether requests are welcome."""
        status = health_pb2.HealthCheckResponse
        for name in self._service_names:
            self._health.set(name, status.SERVING if is_serving else status.NOT_SERVING)

    def stop(self, grace_seconds: float) -> None:
        """Report NOT_SERVING, soon refuse new requests, and give those in flight up to ``grace_seconds``."""
        self._health.enter_graceful_shutdown()
        time.sleep(LAME_DUCK_SECONDS)
        stop_when_idle(self._server, in_flight=self._in_flight, grace_seconds=grace_seconds)

    def _in_flight(self) -> int:
        return sum(pool.in_flight for pool in self._pools)


@contextmanager
def free_target(address: str) -> Iterator[str]:
    """The gRPC target of an address to listen on, in the block; RuntimeError, as gRPC raises, if it is in use.

    gRPC itself would take a unix socket away from the process that listens there. No other process of ours can start
    to listen on it between the check and the end of the block.
    """
    read = read_address(address)
    with claimed(read):
        if isinstance(read, UnixSocket) and is_answered(read):
            raise RuntimeError(f"another process already listens on {address}")
        yield read.target


def start_server(
    options: ServerOptions,
    *,
    add_services: Callable[[grpc.Server], None],
    service_names: Sequence[str],
    errors: ErrorTable,
    guards: Sequence[grpc.ServerInterceptor] = (),
) -> RunningServer:
    """Listen and answer; call it only when everything that the services need is loaded, verified and warm.

    Calls of ``service_names`` are refused under overload; those of ``options.admin_service`` are for operators only and
    never are. ``guards`` see a call before its request is read. Port 0 takes a free port. Raises BusyAddressError, and
    FileContentError if the files of TLS or tokens cannot be used.
    """
    health_servicer = HealthServicer()
    if options.admin_service:
        admin = AdminAccess(options.admin_tokens_file, is_public=options.is_public)
        guards = (*guards, GuardInterceptor(options.admin_service, admin.admit, ADMIN_ERRORS))
    sizes = RequestSizes(options.largest_request_bytes, options.larger_requests)
    pool, slow_pool = (
        AdmissionPool(options.pool_size, options.name),
        AdmissionPool(options.slow_threads, f"{options.name}-slow"),
    )
    server = grpc.server(
        pool,
        interceptors=[
            AdmissionInterceptor(
                pool,
                guarded=service_names,
                most_waiting=options.most_waiting,
                own_pools=dict.fromkeys(options.slow_methods, slow_pool),
            ),
            TracingInterceptor(options.tracer),
            MetricsInterceptor(),
            *guards,
            ErrorInterceptor(errors, sizes),
            ExpiredInterceptor(),
        ],
        options=OPTIONS + limits(largest_request_bytes=sizes.largest, max_connections=options.max_connections),
    )
    add_services(server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    all_names = (*service_names, *((options.admin_service,) if options.admin_service else ()))
    enable_reflection([*all_names, health.SERVICE_NAME], server)
    credentials = LiveServerTls(options.tls).grpc_credentials() if options.tls else None
    try:
        with free_target(options.address) as target:
            port = server.add_secure_port(target, credentials) if credentials else server.add_insecure_port(target)
        if options.metrics_port:
            start_metrics_server(options.metrics_host.strip("[]"), options.metrics_port, options.metrics_tls)
    except RuntimeError as error:
        raise BusyAddressError(
            f"{options.name} cannot listen on {options.address}: it is in use or not an address of this machine; "
            f"set {options.address_variable} to another host:port"
        ) from error
    except OSError as error:
        raise BusyAddressError(
            f"{options.name} cannot serve metrics on {options.metrics_host}:{options.metrics_port}: {error.strerror}; "
            f"set {options.address_variable.removesuffix('ADDRESS')}METRICS_PORT to another port, 0 for none"
        ) from error
    running = RunningServer(port, server, (pool, slow_pool), health_servicer, ("", *all_names))
    running.set_serving(True)
    server.start()
    return running


def serve(
    options: ServerOptions,
    *,
    add_services: Callable[[grpc.Server], None],
    service_names: Sequence[str],
    errors: ErrorTable,
) -> int:
    """Serve until SIGTERM or SIGINT, drain, and return the exit code: 0, or 1 if the address is busy."""
    stop_asked = threading.Event()

    def ask_to_stop(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop_asked.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        running = start_server(options, add_services=add_services, service_names=service_names, errors=errors)
    except (BusyAddressError, FileContentError) as error:
        _log.error("cannot start", reason=str(error))
        return 1
    _log.info("serving", address=options.address, port=running.port)
    report_serving()
    stop_asked.wait()
    _log.info("draining", grace_seconds=options.grace_seconds)
    running.stop(options.grace_seconds)
    _log.info("stopped")
    return 0
