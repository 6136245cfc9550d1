"""Feeds over HTTP beside GET /feed: GET /posts/{post_id}/similar, and several at once by POST /feeds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api_access import ApiAccess
from gateway.body_memory import BodyMemory
from gateway.browser_guard import check_json
from gateway.edge import Deadline, count_feed
from gateway.feed_messages import open_post, post_ids_of, read_request
from gateway.feed_types import Clock, Feed, FeedError, FeedRequest
from gateway.feedback_messages import MalformedDocumentError
from gateway.feeds import Asked, check_feed_count, get_feeds
from gateway.http_answers import error_document, json_answer
from gateway.http_bodies import headers_of, read_body
from gateway.http_errors import parts_of
from gateway.http_parameters import (
    InvalidParameterError,
    read_feed_object,
    read_id_form,
    read_query,
    read_similar_query,
)
from gateway.http_paths import SIMILAR, EscapedRoute, post_of
from gateway.json_messages import read_json_object
from gateway.settings import LARGEST_FEEDS_BYTES
from rpc.admission import InFlight

FEEDS = "/feeds"

Ids = Callable[[int], int | str]
Handler = Callable[[Request], Awaitable[Response]]
Measured = Callable[[Handler], Callable[..., object]]
Ask = Callable[[FeedRequest, Clock], Awaitable[Feed]]

_FIELDS = {"feeds", "distinct"}


@dataclass(frozen=True, slots=True)
class FeedsApi:
    """Answers them through ``ask``, which makes one feed by the time that a clock says."""

    ask: Ask
    access: ApiAccess
    in_flight: InFlight
    bodies: BodyMemory
    deadline_seconds: float

    def routes(self, measured: Measured) -> list[Route]:
        """The routes, each handler wrapped by ``measured``."""
        return [
            EscapedRoute(SIMILAR, measured(self.similar)),
            Route(FEEDS, measured(self.several), methods=["POST"]),
        ]

    async def similar(self, request: Request) -> Response:
        """One page of similar posts."""
        self.access.admit(request.headers.getlist("authorization"))
        query = read_query(request.scope["query_string"])
        ids = read_id_form(query)
        asked = read_similar_query(query, post_of(request))
        with self.in_flight.admitted(f"GET {SIMILAR}"):
            page = await self.ask(asked, Deadline.after(self.deadline_seconds))
        count_feed(page)
        document = feed_document(page, ids=ids)
        return json_answer({name: document[name] for name in document.keys() - {"ranking", "exhausted"}})

    async def several(self, request: Request) -> Response:
        """Several feeds: each of them, or the error that it alone meets."""
        check_json(headers_of(request))
        authorizations = request.headers.getlist("authorization")
        self.access.admit(authorizations)
        query = read_query(request.scope["query_string"])
        if unknown := query.keys() - {"ids"}:
            raise InvalidParameterError(f"unknown parameter {min(unknown)[:100]!r}, the only one is ids")
        ids = read_id_form(query)
        rows, distinct = _read(await read_body(request, self.bodies, largest=LARGEST_FEEDS_BYTES))
        check_feed_count(len(rows))
        self.access.charge(authorizations, len(rows) - 1)
        clock = Deadline.after(self.deadline_seconds)
        with self.in_flight.admitted(f"POST {FEEDS}", requests=len(rows)):
            answers = await get_feeds(
                [_asked(row) for row in rows],
                distinct=distinct,
                ask=lambda asked: self.ask(asked, clock),
                together=lambda waiting: asyncio.gather(*waiting),
                post_ids_of=post_ids_of,
            )
        return json_answer({"results": [_result(answer, ids) for answer in answers]})


def _read(body: bytes) -> tuple[list[object], bool]:
    """The feeds that are asked for, and whether they are to be distinct; MalformedDocumentError."""
    document = read_json_object(body)
    rows, distinct = document.get("feeds"), document.get("distinct", False)
    if document.keys() - _FIELDS or not isinstance(rows, list) or not isinstance(distinct, bool):
        raise MalformedDocumentError('the body must be {"feeds": [...]}, or {"feeds": [...], "distinct": true}')
    return rows, distinct


def _asked(row: object) -> Asked:
    try:
        return read_request(read_feed_object(row))
    except (FeedError, InvalidParameterError) as error:
        return error


def _result(answer: Feed | Exception, ids: Ids) -> Mapping[str, object]:
    if isinstance(answer, Feed):
        count_feed(answer)
        return {"feed": feed_document(answer, ids=ids)}
    return error_document(*parts_of(answer))


def feed_document(feed: Feed, *, ids: Ids) -> dict[str, object]:
    """A feed as JSON."""
    document: dict[str, object] = {
        "posts": [open_post(post, ids=ids) for post in feed.posts],
        "next_page_token": feed.next_page_token,
        "bundle_id": feed.bundle_id,
        "ranking": feed.ranking,
        "degradations": feed.degradations,
        "feed_id": feed.feed_id,
        "position": feed.position,
        "exhausted": feed.exhausted,
    }
    if feed.mood_understood is not None:
        document["mood_understood"] = feed.mood_understood
    if feed.is_approximate:
        document["approximate"] = True
    return document
