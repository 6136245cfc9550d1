"""The gateway's HTTP edge: the same feeds as JSON."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from prometheus_client import REGISTRY, Histogram
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from gateway.api_access import ApiAccess
from gateway.body_memory import BodyMemory
from gateway.browser_guard import BrowserGuard
from gateway.catalog_access import CatalogAccess
from gateway.catalog_types import PostKeeper
from gateway.docs_page import FILES, docs_file
from gateway.edge import Deadline, count_feed
from gateway.explorer_page import ExplorerPage
from gateway.feed import NO_MEMORY, get_feed
from gateway.feed_messages import open_post
from gateway.feed_types import Clock, ContextEncoder, EmbeddingT, Feed, FeedRequest, PostSearch
from gateway.feedback_types import InteractionRecorder
from gateway.http_answers import count, error_answer, json_answer
from gateway.http_errors import OversizedHeadError, answer_error
from gateway.http_feedback import recording
from gateway.http_feeds import FeedsApi, feed_document
from gateway.http_parameters import read_feed_request, read_id_form, read_query, read_trending_query
from gateway.http_paths import name_of_path
from gateway.http_people import MERGE, ONE_PERSON, PREFIX, People, PeopleApi
from gateway.http_posts import Gate, PostsApi, RulesApi
from gateway.openapi import DOCUMENT
from gateway.readiness import Readiness
from gateway.rules_types import RuleKeeper
from gateway.served_memory import ServedMemory
from gateway.token_life import DEFAULT_TOKENS, TokenLife
from gateway.trending import list_trending
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight
from rpc.trace_context import TIMINGS, read_carried_headers
from rpc.tracing import NO_TRACER, Span, Tracer, exemplar, timings

DURATION = Histogram("moodfeed_http_duration_seconds", "Time to answer an HTTP request.", ["path"])

LARGEST_HEAD_BYTES = 64 * 1024
"""Bytes of an unfinished request head that uvicorn buffers; a finished one is checked against the two limits below."""
LARGEST_URL_BYTES = 32 * 1024  # enough for 1000 exclusions with escaped commas and a mood of 512 emoji
LARGEST_HEADERS_BYTES = 8 * 1024
_SHOWN_CHARACTERS = 100
Handler = Callable[[Request], Awaitable[Response]]


def build_app(
    *,
    encoder: ContextEncoder[EmbeddingT],
    index: PostSearch[EmbeddingT],
    recorder: InteractionRecorder,
    people: People,
    posts: PostKeeper,
    rules: RuleKeeper,
    readiness: Readiness,
    access: ApiAccess,
    guard: BrowserGuard,
    admin: AdminAccess,
    admin_guard: BrowserGuard,
    in_flight: InFlight,
    recordings: InFlight,
    deadline_seconds: float,
    memory: ServedMemory = NO_MEMORY,
    tokens: TokenLife = DEFAULT_TOKENS,
    exploration_share: float = 0.0,
    tracer: Tracer = NO_TRACER,
    explorer: ExplorerPage | None = None,
) -> Starlette:
    """Build the HTTP application on a context encoder, a post search, and what keeps interactions, people and posts.

    ``admin`` and ``admin_guard`` decide about the calls of operators, ``access`` and ``guard`` about all others. Either
    pair may admit a call about posts. There is no ``explorer`` page if it is None.
    """

    async def ask(asked: FeedRequest, clock: Clock) -> Feed:
        return await get_feed(
            asked,
            encoder=encoder,
            index=index,
            clock=clock,
            memory=memory,
            tokens=tokens,
            exploration_share=exploration_share,
        )

    async def answer_feed(request: Request) -> Response:
        access.admit(request.headers.getlist("authorization"))
        query = read_query(request.scope["query_string"])
        ids = read_id_form(query)
        with in_flight.admitted("GET /feed"):
            feed = await ask(read_feed_request(query), Deadline.after(deadline_seconds))
        count_feed(feed)
        return json_answer(feed_document(feed, ids=ids))

    async def answer_trending(request: Request) -> Response:
        access.admit(request.headers.getlist("authorization"))
        query = read_query(request.scope["query_string"])
        ids = read_id_form(query)
        with in_flight.admitted("GET /trending"):
            page = await list_trending(
                read_trending_query(query), index=index, clock=Deadline.after(deadline_seconds), tokens=tokens
            )
        return json_answer(
            {
                "posts": [open_post(post, ids=ids) for post in page.posts],
                "next_page_token": page.next_page_token,
                "bundle_id": page.bundle_id,
                "position": page.position,
            }
        )

    async def list_categories(request: Request) -> Response:
        access.admit(request.headers.getlist("authorization"))
        with in_flight.admitted("GET /categories"):
            categories = await index.list_categories(seconds=deadline_seconds)
        return json_answer({"categories": categories})

    async def healthz(request: Request) -> Response:
        return json_answer({"status": "alive"})

    async def readyz(request: Request) -> Response:
        missing = readiness.missing
        status = "not ready" if missing else "ready"
        return json_answer(
            {"status": status, "missing": missing, "degraded": readiness.degraded}, code=503 if missing else 200
        )

    async def metrics(request: Request) -> Response:
        write, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(write(REGISTRY), headers={"content-type": content_type})

    async def openapi(request: Request) -> Response:
        return json_answer(DOCUMENT)

    bodies = BodyMemory()
    record = recording(
        recorder,
        access=access,
        guard=guard,
        in_flight=recordings,
        bodies=bodies,
        deadline_seconds=deadline_seconds,
    )
    people_api = PeopleApi(people, admin, admin_guard, recordings, bodies, deadline_seconds)
    needs_token = guard.needs_token or admin_guard.needs_token
    writers = Gate(CatalogAccess(access, admin), replace(guard, needs_token=needs_token))
    posts_api = PostsApi(posts, writers, recordings, bodies, deadline_seconds)
    rules_api = RulesApi(rules, Gate(admin, admin_guard), recordings, bodies, deadline_seconds)

    def measured(handler: Handler) -> Handler:
        return _measured(handler, tracer)

    feeds_api = FeedsApi(ask, access, in_flight, bodies, deadline_seconds)
    explorer_routes = (
        explorer.routes(_answered, access=access, guard=guard, in_flight=in_flight, deadline_seconds=deadline_seconds)
        if explorer
        else ()
    )
    app = Starlette(
        routes=[
            Route("/feed", measured(answer_feed)),
            Route("/trending", measured(answer_trending)),
            Route("/categories", measured(list_categories)),
            Route("/interactions", measured(record), methods=["POST"]),
            *people_api.routes(measured),
            *posts_api.routes(measured),
            *rules_api.routes(measured),
            *feeds_api.routes(measured),
            Route("/healthz", _answered(healthz)),
            Route("/readyz", _answered(readyz)),
            Route("/metrics", _answered(metrics)),
            Route("/openapi.json", _answered(openapi)),
            *(Route(path, _answered(docs_file)) for path in FILES),
            *explorer_routes,
        ],
        exception_handlers={HTTPException: _answer_http_exception},
    )
    app.router.redirect_slashes = False  # a redirect would lack our error form
    return app


def _answered(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the last place that can answer it
            return answer_error(error)

    return answer


def _measured(handler: Handler, tracer: Tracer) -> Handler:
    async def measured(request: Request, path: str) -> Response:
        started = time.perf_counter()
        try:
            _check_head(request)
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the last place that can answer it
            response = answer_error(error)
        DURATION.labels(path).observe(time.perf_counter() - started, exemplar())
        count(path, response.status_code)
        return response

    async def answer(request: Request) -> Response:
        path = _name_of(request.scope)  # not request.url.path, which holds what the header `host` says
        carried = read_carried_headers(request.scope["headers"])
        span = tracer.request(f"{request.method} {path}", carried)
        if not isinstance(span, Span):
            return await measured(request, path)
        with span:
            response = await measured(request, path)
            span.note(**{"http.response.status_code": response.status_code})
            if carried.wants_timings:
                response.headers[TIMINGS] = timings(span)
        return response

    return answer


def _check_head(request: Request) -> None:
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LARGEST_URL_BYTES:
        raise OversizedHeadError(414, f"the URL is longer than {LARGEST_URL_BYTES} bytes")
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > LARGEST_HEADERS_BYTES:
        raise OversizedHeadError(431, f"the headers are longer than {LARGEST_HEADERS_BYTES} bytes")


def _name_of(scope: Scope) -> str:
    """What metrics call a path that exists: a username or another name is no part of it."""
    path: str = scope["path"]
    if name := name_of_path(scope["raw_path"].decode("latin-1")):
        return name
    return ONE_PERSON if path.startswith(PREFIX) and path != MERGE else path


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 500
    path = request.scope["path"]
    allowed = sorted(
        ((error.headers if isinstance(error, HTTPException) else None) or {}).get("Allow", "GET").split(", ")
    )
    status, reason, message = {
        404: ("NOT_FOUND", "PATH_NOT_FOUND", f"no such path: {path[:_SHOWN_CHARACTERS]}"),
        405: (
            "UNIMPLEMENTED",
            "METHOD_NOT_ALLOWED",
            f"{request.method} is not allowed on this path, {_listed(allowed)}",
        ),
    }.get(code, ("UNKNOWN", "HTTP_ERROR", "the request cannot be answered"))
    count("(unknown)" if code == 404 else _name_of(request.scope), code)
    headers = {"allow": ", ".join(allowed)} if code == 405 else None
    return error_answer(code, status, reason, message, headers=headers)


def _listed(methods: Sequence[str]) -> str:
    """``GET and HEAD are``, ``POST is``."""
    *others, last = methods
    return f"{', '.join(others)} and {last} are" if others else f"{last} is"
