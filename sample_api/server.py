"""The HTTP server: serves the rows of a world with paging, secrets, envelopes and faults."""

import asyncio
import contextlib
import json
import signal
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sample_api.calendar import moment_of
from sample_api.faults import Fault, Faults, FaultSchedule
from sample_api.post_rows import NEWER_POST_KEYS
from sample_api.rows import Rows
from sample_api.sizes import DAYS
from sample_api.user_rows import NEWER_USER_KEYS
from sample_api.world import World

SAMPLE_TOKEN = "sample-token"  # noqa: S105 - an obvious placeholder, not a secret
SAMPLE_NAME = "the sample API"
SAMPLE_RESONANCE_ALGORITHM = "sample-algorithm"
HOST = "127.0.0.1"

_MAX_PAGE_SIZE = 1000
_DEFAULT_PAGE_SIZE = 20
_SHUTDOWN_S = 2


class PortTakenError(OSError):
    """The port is in use: names it and the option that changes it."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    path: str
    list_key: str
    message: str
    rows: Rows
    newer_keys: frozenset[str] = frozenset()  # keys that the schema of a year ago did not have
    needs_token: bool = False
    needs_algorithm: bool = False


@dataclass(frozen=True, slots=True)
class _Secrets:
    token: str
    resonance_algorithm: str


def build_app(
    world: World,
    *,
    token: str = SAMPLE_TOKEN,
    resonance_algorithm: str = SAMPLE_RESONANCE_ALGORITHM,
    faults: Faults | None = None,
) -> Starlette:
    """The app with the six endpoints. Faults are counted over the requests to all of them, in order."""
    tables = world.tables
    endpoints = (
        _Endpoint("/posts/view", "posts", "Viewed posts fetched successfully", tables.views, needs_algorithm=True),
        _Endpoint("/posts/like", "posts", "Liked posts fetched successfully", tables.likes, needs_algorithm=True),
        _Endpoint(
            "/posts/inspire", "posts", "Inspired posts fetched successfully", tables.inspires, needs_algorithm=True
        ),
        _Endpoint("/posts/rating", "posts", "Rated posts fetched successfully", tables.ratings, needs_algorithm=True),
        _Endpoint(
            "/posts/summary/get",
            "posts",
            "Posts summary fetched successfully",
            tables.posts,
            newer_keys=NEWER_POST_KEYS,
            needs_token=True,
        ),
        _Endpoint(
            "/users/get_all",
            "users",
            "Users fetched successfully",
            tables.users,
            newer_keys=NEWER_USER_KEYS,
            needs_token=True,
        ),
    )
    answerer = _Answerer(
        secrets=_Secrets(token, resonance_algorithm), owner_posts=tables.owner_posts, faults=faults or Faults()
    )
    return Starlette(routes=[Route(endpoint.path, answerer.handler(endpoint)) for endpoint in endpoints])


def serve(
    world: World,
    *,
    port: int = 0,
    token: str = SAMPLE_TOKEN,
    resonance_algorithm: str = SAMPLE_RESONANCE_ALGORITHM,
    faults: Faults | None = None,
    on_listening: Callable[[str], None],
) -> None:
    """Serve on 127.0.0.1 until SIGTERM or Ctrl-C, then return.

    Port 0 means any free port; ``on_listening`` is called with the base URL once connections are accepted. Raises
    PortTakenError. Must run in the main thread, where signals arrive.
    """
    app = build_app(world, token=token, resonance_algorithm=resonance_algorithm, faults=faults)
    with _listen(port) as listener:
        asyncio.run(_serve_until_signal(_server(app), listener, on_listening))


@contextlib.contextmanager
def running_sample_api(
    world: World,
    *,
    token: str = SAMPLE_TOKEN,
    resonance_algorithm: str = SAMPLE_RESONANCE_ALGORITHM,
    faults: Faults | None = None,
) -> Iterator[str]:
    """Serve in a thread on a free port while the block runs; yields the base URL."""
    server = _server(build_app(world, token=token, resonance_algorithm=resonance_algorithm, faults=faults))
    with _listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sample-api", daemon=True)
        thread.start()
        try:
            yield _url(listener)  # the socket already listens: early connections wait in its backlog
        finally:
            server.should_exit = True
            thread.join()


class _Answerer:
    """Answers requests, and keeps the little state that lasts between them."""

    def __init__(self, *, secrets: _Secrets, owner_posts: Rows, faults: Faults) -> None:
        self._secrets = secrets
        self._owner_posts = owner_posts
        self._faults = faults
        self._schedule = FaultSchedule(faults)
        self._fetches: Counter[str] = Counter()

    def handler(self, endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
        def handle(request: Request) -> Response:
            return self._answer(request, endpoint)

        return _on_event_loop(handle)

    def _answer(self, request: Request, endpoint: _Endpoint) -> Response:
        fault = self._schedule.next_fault()
        if fault is Fault.RATE_LIMITED:
            return _error(429, "Too many requests", {"Retry-After": str(self._faults.retry_after_s)})
        if fault is Fault.SERVER_ERROR:
            return _error(500, "Something went wrong")
        has_token = request.headers.get("Flic-Token") == self._secrets.token
        if fault is Fault.UNAUTHORIZED or (endpoint.needs_token and not has_token):
            return _error(401, "Unauthorized")
        page = _positive_number(request.query_params.get("page", "1"))
        page_size = _positive_number(request.query_params.get("page_size", str(_DEFAULT_PAGE_SIZE)))
        if page is None or page_size is None:
            return _error(400, "page and page_size must be positive integers")
        has_algorithm = request.query_params.get("resonance_algorithm") == self._secrets.resonance_algorithm
        if endpoint.needs_algorithm and (self._faults.wrong_shape or not has_algorithm):
            rows, message = self._owner_posts, "Posts fetched successfully"
        else:
            rows, message = self._present_rows(endpoint, page=page), endpoint.message
        start, stop = page_bounds(page, page_size, short_every=self._faults.short_pages_every)
        left_out = endpoint.newer_keys if self._faults.older_schema else frozenset()
        served = [{key: value for key, value in row.items() if key not in left_out} for row in rows[start:stop]]
        content = {
            "status": "success",
            "message": message,
            "page": page,
            "page_size": len(served),
            "max_page_size": page_size,
            endpoint.list_key: served,
        }
        # On a machine whose clock is behind the last event, that event would count as in the future.
        headers = {"Date": formatdate(max(_now(), moment_of(DAYS)).timestamp(), usegmt=True)}
        return _CutResponse(content) if fault is Fault.CUT else JSONResponse(content, headers=headers)

    def _present_rows(self, endpoint: _Endpoint, *, page: int) -> Rows:
        """The rows that still exist: with ``vanishing_rows``, events lose their oldest rows with each fetch."""
        if not endpoint.needs_algorithm:
            return endpoint.rows
        if page == 1:
            self._fetches[endpoint.path] += 1
        gone = self._faults.vanishing_rows * max(self._fetches[endpoint.path] - 1, 0)
        return endpoint.rows[gone:]


def page_bounds(page: int, page_size: int, *, short_every: int = 0) -> tuple[int, int]:
    """The slice of rows of a page. Each ``short_every``-th page is half as long; the next page continues after it."""
    full = min(page_size, _MAX_PAGE_SIZE)
    half = max(full // 2, 1)
    short_before = (page - 1) // short_every if short_every else 0
    start = (page - 1) * full - short_before * (full - half)
    is_short = bool(short_every) and page % short_every == 0
    return start, start + (half if is_short else full)


class _CutResponse(Response):
    """Announces a whole body, sends half of it and closes the connection."""

    def __init__(self, content: Mapping[str, object]) -> None:
        super().__init__(json.dumps(content).encode(), media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - what ASGI gives
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        raise _ConnectionCutError


class _ConnectionCutError(Exception):
    """Makes uvicorn close the connection before the body is complete."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield


def _on_event_loop(handle: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return handle(request)

    return answer


def _now() -> datetime:
    return datetime.now(UTC)


def _error(code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"status": "error", "message": message}, status_code=code, headers=headers)


def _positive_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10**9 else None


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise PortTakenError(
            f"the sample API cannot listen on {HOST}:{port}: choose another port with --port"
        ) from error


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _server(app: Starlette) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_S,
            lifespan="off",
            date_header=False,  # the app answers with the time of its world
        )
    )


async def _serve_until_signal(
    server: uvicorn.Server, listener: socket.socket, on_listening: Callable[[str], None]
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    on_listening(_url(listener))
    await server.serve(sockets=[listener])
