"""Posts and rules over HTTP: GET, PUT and DELETE /posts/{post_id}, GET /rules, PUT and DELETE /rules/{name}."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.body_memory import BodyMemory
from gateway.browser_guard import BrowserGuard
from gateway.catalog import delete_posts, get_post, upsert_post
from gateway.catalog_messages import kept_document, read_post_document
from gateway.catalog_types import PostKeeper
from gateway.edge import Deadline
from gateway.http_answers import json_answer
from gateway.http_bodies import headers_of, read_body
from gateway.http_callers import HttpCaller
from gateway.http_parameters import IDS, InvalidParameterError, read_id_form, read_query, refuse_parameters
from gateway.http_paths import ONE_POST, ONE_RULE, EscapedRoute, post_of, text_of
from gateway.rule_messages import read_rule_document, rules_document
from gateway.rules import check_rule, check_rule_name
from gateway.rules_types import RuleKeeper
from rpc import wall_clock
from rpc.admission import InFlight
from rpc.guard import Caller

RULES = "/rules"

Handler = Callable[[Request], Awaitable[Response]]
Measured = Callable[[Handler], Callable[..., object]]


class Access(Protocol):
    """Decides who may call."""

    def admit(self, caller: Caller) -> None:
        """Let a call pass, or raise what refuses it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may call, and from where: no page of another origin, which may not read this either."""

    access: Access
    guard: BrowserGuard

    def admit(self, request: Request, *, has_body: bool = False) -> None:
        """Raises BrowserGuardError, and as the access does."""
        self.guard.check(headers_of(request), scheme=request.scope["scheme"], has_body=has_body)
        self.access.admit(HttpCaller(request))


@dataclass(frozen=True, slots=True)
class PostsApi:
    """Answers the calls about posts."""

    keeper: PostKeeper
    gate: Gate
    in_flight: InFlight
    bodies: BodyMemory
    deadline_seconds: float

    def routes(self, measured: Measured) -> list[Route]:
        """The route, its handler wrapped by ``measured``."""
        return [EscapedRoute(ONE_POST, measured(self.answer), methods=["GET", "PUT", "DELETE"])]

    async def answer(self, request: Request) -> Response:
        """Show, store or delete a post."""
        self.gate.admit(request, has_body=request.method == "PUT")
        match request.method:
            case "PUT":
                return await self._put(request)
            case "DELETE":
                return await self._delete(request)
            case _:
                return await self._show(request)

    async def _show(self, request: Request) -> Response:
        query = read_query(request.scope["query_string"])
        if unknown := query.keys() - {IDS}:
            raise InvalidParameterError(f"unknown parameter {min(unknown)[:100]!r}, the known one is {IDS}")
        ids, names = read_id_form(query), post_of(request)
        with self.in_flight.admitted(f"GET {ONE_POST}"):
            kept = await get_post(names, keeper=self.keeper, clock=self._clock())
        return json_answer(kept_document(kept, ids=ids))

    async def _put(self, request: Request) -> Response:
        refuse_parameters(request.scope["query_string"])
        names = post_of(request)
        body = await read_body(request, self.bodies)
        with self.in_flight.admitted(f"PUT {ONE_POST}"):
            position, post_id = await upsert_post(
                read_post_document(body, names), keeper=self.keeper, clock=self._clock(), now_ms=wall_clock.now_ms()
            )
        return json_answer({"position": position, "post_id": post_id})

    async def _delete(self, request: Request) -> Response:
        refuse_parameters(request.scope["query_string"])
        names = post_of(request)
        with self.in_flight.admitted(f"DELETE {ONE_POST}"):
            position = await delete_posts(names, keeper=self.keeper, clock=self._clock())
        return json_answer({"position": position})

    def _clock(self) -> Deadline:
        return Deadline.after(self.deadline_seconds)


@dataclass(frozen=True, slots=True)
class RulesApi:
    """Answers the calls of operators about rules."""

    keeper: RuleKeeper
    gate: Gate
    in_flight: InFlight
    bodies: BodyMemory
    deadline_seconds: float

    def routes(self, measured: Measured) -> list[Route]:
        """The routes, each handler wrapped by ``measured``."""
        return [
            Route(RULES, measured(self.list)),
            EscapedRoute(ONE_RULE, measured(self.change), methods=["PUT", "DELETE"]),
        ]

    async def list(self, request: Request) -> Response:
        """All rules."""
        self.gate.admit(request)
        query = read_query(request.scope["query_string"])
        if unknown := query.keys() - {IDS}:
            raise InvalidParameterError(f"unknown parameter {min(unknown)[:100]!r}, the known one is {IDS}")
        ids = read_id_form(query)
        with self.in_flight.admitted(f"GET {RULES}"):
            rules = await self.keeper.list_rules(seconds=self.deadline_seconds)
        return json_answer(rules_document(rules, ids=ids))

    async def change(self, request: Request) -> Response:
        """Keep a rule, or delete one."""
        self.gate.admit(request, has_body=request.method == "PUT")
        refuse_parameters(request.scope["query_string"])
        name = text_of(request, "name")
        check_rule_name(name)
        clock = Deadline.after(self.deadline_seconds)
        if request.method == "DELETE":
            with self.in_flight.admitted(f"DELETE {ONE_RULE}"):
                position = await self.keeper.delete_rule(name, seconds=clock.seconds_left())
            return json_answer({"position": position})
        rule = read_rule_document(await read_body(request, self.bodies), name)
        check_rule(rule)
        clock = Deadline.after(self.deadline_seconds)
        with self.in_flight.admitted(f"PUT {ONE_RULE}"):
            position = await self.keeper.set_rule(rule, seconds=clock.seconds_left())
        return json_answer({"position": position})
