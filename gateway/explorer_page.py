"""The explorer: a page at / that shows feeds and records what is clicked, over the gateway's own HTTP API.

Its policy lets it load nothing from another host, unless the setting allows the posts' own media. It also makes the
browser refuse to turn text into markup, so that no title of a post can become part of the page.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api_access import ApiAccess
from gateway.browser_guard import BrowserGuard
from gateway.explorer_clients import ExplorerFacts
from gateway.http_answers import json_answer
from gateway.http_bodies import headers_of
from gateway.http_parameters import read_mood_query, read_titles_query
from gateway.page_files import PageFiles, answering_with
from gateway.settings import OffOn, Settings
from rpc.admission import InFlight

SETTINGS, PEOPLE = "/explorer/settings.json", "/explorer/people"
MOOD, TITLES = "/explorer/mood", "/explorer/titles"

_DIRECTORY = Path(__file__).parent / "explorer"
_MODULES = (
    "start", "address", "card", "changes", "deeds", "dialogs", "elements", "feed", "gateway", "health", "keys", "moods",
    "new_post", "people", "pictures", "player", "similar", "stars", "titles", "token",
    "why", "words",
)  # fmt: skip
EXPLORER_FILES: PageFiles = {
    "/": ("index.html", "text/html"),
    "/explorer/page.css": ("page.css", "text/css"),
    "/explorer/cards.css": ("cards.css", "text/css"),
    **{f"/explorer/{name}.js": (f"{name}.js", "text/javascript") for name in _MODULES},
    "/explorer/hls.light.min.mjs": ("hls.light.min.mjs", "text/javascript"),
}

Handler = Callable[[Request], Awaitable[Response]]


class KnownPeople(Protocol):
    """Lists known users."""

    async def list_people(self, *, seconds: float) -> Sequence[str]:
        """Some of them."""


@dataclass(frozen=True, slots=True)
class ExplorerPage:
    """The page, with the posts' own ``media`` or without; it offers ``people`` unless they are None.

    ``facts`` are what it tells of moods and of posts without a title.
    """

    facts: ExplorerFacts
    media: bool = False
    people: KnownPeople | None = None

    @classmethod
    def of(cls, settings: Settings, people: KnownPeople, facts: ExplorerFacts) -> "ExplorerPage | None":
        """The page that the settings ask for, or None."""
        if not settings.has_explorer:
            return None
        return cls(facts, settings.explorer_media is OffOn.ON, people if settings.explorer_names_people else None)

    def routes(
        self,
        answered: Callable[[Handler], Handler],
        *,
        access: ApiAccess,
        guard: BrowserGuard,
        in_flight: InFlight,
        deadline_seconds: float,
    ) -> list[Route]:
        """The routes, each handler wrapped by ``answered``."""
        files = answering_with(EXPLORER_FILES, directory=_DIRECTORY, headers=self._headers())

        async def settings(_: Request) -> Response:
            return json_answer({"media": self.media, "people": self.people is not None})

        def admit(request: Request) -> None:
            guard.check(headers_of(request), scheme=request.scope["scheme"], has_body=False)  # no other site's page
            access.admit(request.headers.getlist("authorization"))

        async def people(request: Request) -> Response:
            admit(request)
            names = [] if self.people is None else await self.people.list_people(seconds=deadline_seconds)
            return json_answer({"usernames": list(names)}, headers={"cache-control": "no-store"})

        async def titles(request: Request) -> Response:
            admit(request)
            asked = read_titles_query(request.scope["query_string"])
            with in_flight.admitted(f"GET {TITLES}"):
                found = await self.facts.stand_in_titles(asked, seconds=deadline_seconds)
            return json_answer({"titles": {str(post_id): found[post_id] for post_id in sorted(found)}})

        async def mood(request: Request) -> Response:
            admit(request)
            asked = read_mood_query(request.scope["query_string"])
            with in_flight.admitted(f"GET {MOOD}"):
                meant = await self.facts.read_mood(asked, seconds=deadline_seconds)
            document = MessageToDict(meant, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
            return json_answer(document, headers={"cache-control": "no-store"})

        return [
            Route(SETTINGS, answered(settings)),
            Route(MOOD, answered(mood)),
            Route(TITLES, answered(titles)),
            *([Route(PEOPLE, answered(people))] if self.people else []),
            *(Route(path, answered(files)) for path in EXPLORER_FILES),
        ]

    def _headers(self) -> dict[str, str]:
        elsewhere = " http: https:" if self.media else ""
        return {
            "cache-control": "no-cache",
            "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"connect-src 'self'{elsewhere}; img-src 'self' data:{elsewhere}; "
            f"media-src 'self'{' blob:' + elsewhere if self.media else ''}; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
            "require-trusted-types-for 'script'; trusted-types 'none'",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }
