"""The data that is kept about a person, over HTTP: GET and DELETE /people/{username}, POST /people/merge."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.body_memory import BodyMemory
from gateway.browser_guard import BrowserGuard
from gateway.edge import Deadline
from gateway.feedback import check_person
from gateway.http_answers import json_answer
from gateway.http_bodies import headers_of, read_body
from gateway.http_callers import HttpCaller
from gateway.http_parameters import IDS, InvalidParameterError, read_id_form, read_query, refuse_parameters
from gateway.people_document import export_document, read_merge
from moodfeed.feedback.v1 import feedback_pb2
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight

PREFIX = "/people/"
MERGE = "/people/merge"
ONE_PERSON = "/people/{username}"
"""What metrics and messages call the path of any person."""

Handler = Callable[[Request], Awaitable[Response]]

_ANYTHING = re.compile(r"^/people/[\s\S]+\Z")  # Starlette's own `path` ends at a line break, which a name may hold


class People(Protocol):
    """Keeps the data of people."""

    async def export_person(self, username: str, *, seconds: float) -> feedback_pb2.ExportPersonResponse:
        """Everything that is kept about a person; PersonNotFoundError if nothing is."""

    async def delete_person(self, username: str, *, seconds: float) -> int:
        """Delete a person; gives the position from which on they are unknown."""

    async def merge_people(self, merged: str, *, into: str, seconds: float) -> int:
        """Make one person another; gives the position from which on they are one."""


@dataclass(frozen=True, slots=True)
class PeopleApi:
    """Answers the calls of operators about people."""

    people: People
    admin: AdminAccess
    guard: BrowserGuard
    in_flight: InFlight
    bodies: BodyMemory
    deadline_seconds: float

    def routes(
        self, measured: Callable[[Callable[[Request], Awaitable[Response]]], Callable[..., object]]
    ) -> list[Route]:
        """The routes, each handler wrapped by ``measured``."""
        one_person = Route("/people/{username:path}", measured(self.answer), methods=["GET", "DELETE"])
        one_person.path_regex = _ANYTHING
        return [Route(MERGE, measured(self.merge), methods=["POST"]), one_person]

    async def answer(self, request: Request) -> Response:
        """Export a person, or delete one."""
        self._admit(request, has_body=False)
        return await (self._delete(request) if request.method == "DELETE" else self._export(request))

    async def _export(self, request: Request) -> Response:
        query = read_query(request.scope["query_string"])
        if unknown := query.keys() - {IDS}:
            raise InvalidParameterError(f"unknown parameter {min(unknown)[:100]!r}, the known one is {IDS}")
        ids = read_id_form(query)
        username = username_of(request)
        with self.in_flight.admitted(f"GET {ONE_PERSON}"):
            person = await self.people.export_person(username, seconds=self._clock().seconds_left())
        return json_answer(export_document(person, ids=ids), headers={"cache-control": "no-store"})

    async def _delete(self, request: Request) -> Response:
        refuse_parameters(request.scope["query_string"])
        username = username_of(request)
        with self.in_flight.admitted(f"DELETE {ONE_PERSON}"):
            position = await self.people.delete_person(username, seconds=self._clock().seconds_left())
        return json_answer({"position": position})

    async def merge(self, request: Request) -> Response:
        """Make one person another."""
        self._admit(request, has_body=True)
        refuse_parameters(request.scope["query_string"])
        merged, into = read_merge(await read_body(request, self.bodies))
        check_person(merged)
        check_person(into)
        with self.in_flight.admitted(f"POST {MERGE}"):
            position = await self.people.merge_people(merged, into=into, seconds=self._clock().seconds_left())
        return json_answer({"position": position})

    def _admit(self, request: Request, *, has_body: bool) -> None:
        """Let operators pass, and no page of another origin, which may not read people either."""
        self.guard.check(headers_of(request), scheme=request.scope["scheme"], has_body=has_body)
        self.admin.admit(HttpCaller(request))

    def _clock(self) -> Deadline:
        return Deadline.after(self.deadline_seconds)


def username_of(request: Request) -> str:
    """The name in the path, of whatever characters; InvalidParameterError if it is not UTF-8, InvalidPersonError."""
    try:
        username = unquote_to_bytes(request.scope["raw_path"].removeprefix(PREFIX.encode())).decode()
    except UnicodeDecodeError as error:
        raise InvalidParameterError("the username in the path is not valid UTF-8") from error
    check_person(username)
    return username
