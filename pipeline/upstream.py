"""A client of the upstream API: six endpoints, read page by page with retries; malformed replies are refused."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from pipeline.accepted_forms import read_id
from pipeline.upstream_faults import TOKEN_VARIABLE, URL_VARIABLE, cause_of, certificates, proxy_variable, wrong_setting

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Row = Mapping[str, Json]

PAGE_SIZE = 1000
_USUAL_LIMITS = frozenset({10, 20, 25, 30, 50, 100, 200, 250, 500})
LONGEST_RETRY_AFTER_SECONDS = 120.0
LARGEST_REPLY = 256 * 2**20  # bytes; a page of a thousand posts with their summaries has about 10 MB


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API, and the keys that its rows must have."""

    name: str
    path: str
    list_key: str
    required_keys: frozenset[str]
    needs_algorithm: bool


def _events(name: str, moment: str) -> Endpoint:
    keys = frozenset({"id", "post_id", "user_id", moment})
    return Endpoint(name, f"/posts/{name}", "posts", keys, needs_algorithm=True)


ENDPOINTS = (
    _events("view", "viewed_at"),
    _events("like", "liked_at"),
    _events("inspire", "inspired_at"),
    _events("rating", "rated_at"),
    Endpoint("post", "/posts/summary/get", "posts", frozenset({"id", "post_summary"}), needs_algorithm=False),
    Endpoint("user", "/users/get_all", "users", frozenset({"id", "username", "role"}), needs_algorithm=False),
)


class UpstreamError(Exception):
    """The upstream API cannot be read: names the URL and what to do; never contains a secret."""


class SecretRefusedError(UpstreamError):
    """The Flic-Token is missing or wrong."""


class WrongShapeError(UpstreamError):
    """A reply does not have the expected shape."""


class EndlessPagesError(UpstreamError):
    """The pages do not end: there are implausibly many."""


class _PassingError(Exception):
    """A failure that a retry may not meet; ``wait_seconds`` is the server's Retry-After, if it sent one."""

    def __init__(self, message: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


_CONNECT_SECONDS = 10.0
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class UpstreamClient:
    """Reads pages. ``sleep`` is called between attempts, with seconds.

    A user name and a password in ``url`` are sent, but taken out of it, so that no message and no log shows them.
    ``silence_seconds`` limits each read from the server, ``reply_seconds`` one whole reply.
    """

    url: str
    flic_token: str = field(repr=False)
    resonance_algorithm: str = field(repr=False)
    attempts: int = 6
    silence_seconds: float = 30.0
    reply_seconds: float = 300.0
    most_pages: int = 100_000
    sleep: Callable[[float], None] = time.sleep
    _http: httpx.Client = field(init=False, repr=False)
    _dates: list[datetime] = field(init=False, repr=False, default_factory=list)
    _answered: set[str] = field(init=False, repr=False, default_factory=set)  # the endpoints that have answered

    def __post_init__(self) -> None:
        shown = without_secrets(self.url)
        try:
            http = _http_client(self.url.strip(), shown, self.flic_token.strip(), self.silence_seconds)
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise UpstreamError(
                f"base URL {shown!r} or the Flic-Token are not valid: set {URL_VARIABLE} to an http(s) URL "
                f"and {TOKEN_VARIABLE}, both in plain ASCII"
            ) from None  # the cause holds the URL
        except OSError as error:
            raise UpstreamError(f"{shown}: {error}: name a PEM file of certificate authorities") from error
        object.__setattr__(self, "url", shown)
        object.__setattr__(self, "_http", http)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def source(self) -> str:
        """Host and path of the API, which name an upstream whatever the scheme, the credentials and the spelling."""
        url = httpx.URL(self.url)
        return url.netloc.decode() + url.path.rstrip("/")

    @property
    def upstream_time(self) -> datetime | None:
        """The newest time that the upstream's own clock gave in a Date header, UTC; None if it gave none."""
        return self._dates[0] if self._dates else None

    def pages(
        self, endpoint: Endpoint, *, first_page: int = 1, on_ignored_page: Callable[[int], None] | None = None
    ) -> Iterator[tuple[int, Sequence[Json]]]:
        """Yield (page number, rows) until a page is empty or holds no row with a new id; a short page need not be last.

        Some servers answer a page after the last one with the last one, whose counters may have changed meanwhile.
        Others ignore ``page``: ``on_ignored_page`` is called with the number of rows if page 2 is page 1 again, and
        that number looks like a limit, so that there may be more rows.
        Raises UpstreamError when the attempts are used up, SecretRefusedError, WrongShapeError, EndlessPagesError.
        """
        page = first_page
        seen: set[int | bytes] = set()
        while rows := self._page(endpoint, page):
            ids = {_identity(row) for row in rows}
            if ids <= seen:
                if on_ignored_page and page == 2 and ids == seen and _is_a_limit(len(rows)):
                    on_ignored_page(len(rows))
                return
            seen |= ids
            if page >= self.most_pages:
                raise EndlessPagesError(f"{self.url}{endpoint.path} page {page}: is not empty: more pages than allowed")
            yield page, rows
            page += 1

    def _page(self, endpoint: Endpoint, page: int) -> Sequence[Json]:
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingError),
            stop=stop_after_attempt(self.attempts),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(self._attempt, endpoint, page)
        except _PassingError as error:
            raise UpstreamError(
                f"{self.url}{endpoint.path} page {page}: {error}, {self.attempts} times; "
                "the fetched pages are kept, and `moodfeed fetch` resumes here"
            ) from error

    def _attempt(self, endpoint: Endpoint, page: int) -> Sequence[Json]:
        """One request; _PassingError if a retry may succeed, UpstreamError if not."""
        try:
            rows = self._ask(endpoint, page)
        except httpx.RequestError as error:
            url = httpx.URL(self.url)
            fault = wrong_setting(
                error, url, has_answered=bool(self._answered), uses_proxy=url.host not in _THIS_MACHINE
            )
            if fault:
                raise UpstreamError(f"{self.url}: {fault}") from error
            raise _PassingError(f"{_WORDS.get(type(error), 'the connection failed')} ({cause_of(error)})") from error
        self._answered.add(endpoint.name)
        return rows

    def _ask(self, endpoint: Endpoint, page: int) -> Sequence[Json]:
        parameters: dict[str, str | int] = {"page": page, "page_size": PAGE_SIZE}
        if endpoint.needs_algorithm:
            parameters["resonance_algorithm"] = self.resonance_algorithm
        where = f"{self.url}{endpoint.path} page {page}"
        deadline = time.monotonic() + self.reply_seconds
        with self._http.stream("GET", endpoint.path, params=parameters) as response:
            if response.status_code in {401, 403}:
                raise SecretRefusedError(
                    f"{where}: the Flic-Token was refused ({response.status_code}): "
                    "set MOODFEED_FLIC_TOKEN or --flic-token"
                )
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
                wait = _retry_after(response.headers.get("Retry-After"))
                raise _PassingError(f"status {response.status_code}", wait_seconds=wait)
            if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
                proxy = proxy_variable(httpx.URL(self.url)) or "HTTP_PROXY"
                raise UpstreamError(
                    f"{where}: the proxy requires a user name and a password (407): set them in {proxy}"
                )
            if response.status_code != httpx.codes.OK:
                raise UpstreamError(
                    f"{where}: status {response.status_code}{_target_of(response)}: check {URL_VARIABLE}"
                )
            body = _read_body(response, deadline)
            self._remember_date(response.headers.get("Date"))
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            if body.lstrip().startswith(b"<") and not self._answered:  # later it is a page of a proxy that will pass
                raise UpstreamError(f"{where}: the reply is a web page, not JSON: check {URL_VARIABLE}") from error
            raise _PassingError("the reply is not JSON") from error
        rows = document.get(endpoint.list_key) if isinstance(document, dict) else None
        if not isinstance(rows, list):
            raise WrongShapeError(f"{where}: the reply has no list {endpoint.list_key!r}")
        _check_shape(endpoint, rows, where)
        return rows

    def _remember_date(self, header: str | None) -> None:
        date = _date(header)
        if date is not None:
            self._dates[:] = [max([*self._dates, date])]


def _http_client(url: str, shown: str, flic_token: str, silence_seconds: float) -> httpx.Client:
    """A client of ``shown``, which is ``url`` without secrets; httpx.InvalidURL if it is not a web address."""
    secret = httpx.URL(url)
    if secret.scheme not in {"http", "https"} or not secret.host:
        raise httpx.InvalidURL("not a web address")
    trusted = certificates()
    headers = httpx.Headers({"Flic-Token": flic_token})
    try:
        return httpx.Client(
            base_url=shown,
            auth=(secret.username, secret.password) if secret.userinfo else None,
            headers=headers,
            timeout=httpx.Timeout(silence_seconds, connect=min(_CONNECT_SECONDS, silence_seconds)),
            verify=trusted,
            trust_env=secret.host not in _THIS_MACHINE,  # a proxy is for other machines
        )
    except (httpx.InvalidURL, ValueError, ImportError):  # the last is what httpx raises for SOCKS
        variable = proxy_variable(secret) or "a proxy variable"
        raise UpstreamError(
            f"{shown}: {variable} is not the http(s) URL of a proxy: correct it, or add the host to NO_PROXY"
        ) from None  # the cause holds the URL


_WORDS: Mapping[type[httpx.RequestError], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ReadTimeout: "no reply in time",
    httpx.RemoteProtocolError: "the reply was cut off",
    httpx.DecodingError: "the reply cannot be unpacked",
}


def _target_of(response: httpx.Response) -> str:
    """Where a redirect leads; empty for another reply."""
    target = response.headers.get("Location")
    return f", which leads to {without_secrets(target)}" if response.is_redirect and target else ""


def without_secrets(url: str) -> str:
    """The base URL without user name, password, query, fragment and final slash."""
    text = url.strip()
    try:
        parsed = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeEncodeError):
        parsed = httpx.URL()
    if parsed.host:
        return f"{parsed.scheme}://{parsed.netloc.decode()}{parsed.path}".rstrip("/")
    return re.sub(r"^(\w+://)?.*@", r"\1", re.split(r"[?#]", text, maxsplit=1)[0], flags=re.DOTALL)


def _identity(row: Json) -> int | bytes:
    """The id of a row; of a row without one, a digest of what it holds."""
    row_id = read_id(row.get("id")) if isinstance(row, dict) else None
    return hashlib.sha256(json.dumps(row).encode()).digest() if row_id is None else row_id


def _read_body(response: httpx.Response, deadline: float) -> bytes:
    """The body of a reply; _PassingError if it is incomplete at the deadline, UpstreamError if it is too large.

    httpx's timeout applies to one read, so it never expires for a server that sends a byte now and then.
    """
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() > deadline:
            raise _PassingError("the reply took too long")
        if len(body) > LARGEST_REPLY:
            raise UpstreamError(f"{response.url.copy_with(query=None)}: the reply has more than {LARGEST_REPLY} bytes")
    return bytes(body)


def _check_shape(endpoint: Endpoint, rows: Sequence[Json], where: str) -> None:
    """Refuse a page without a single valid row; single malformed rows are left to cleaning."""
    objects = [row for row in rows if isinstance(row, dict)]
    if not rows or any(endpoint.required_keys <= row.keys() for row in objects):
        return
    missing = ", ".join(sorted(endpoint.required_keys - (objects[0].keys() if objects else frozenset())))
    advice = (
        "this happens if resonance_algorithm is missing or wrong: set MOODFEED_RESONANCE_ALGORITHM or "
        "--resonance-algorithm"
        if endpoint.needs_algorithm
        else "is MOODFEED_UPSTREAM_URL the platform's API?"
    )
    raise WrongShapeError(f"{where}: the rows are not {endpoint.name} rows: {missing} missing; {advice}")


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _PassingError) and error.wait_seconds is not None:
        return error.wait_seconds
    return wait_exponential_jitter(multiplier=0.5, max=30)(state)


def _retry_after(header: str | None) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or a date; capped. None if it cannot be read."""
    if header is None:
        return None
    if re.fullmatch(r"\d+", header.strip()):
        return min(float(header), LONGEST_RETRY_AFTER_SECONDS)
    date = _date(header)
    if date is None:
        return None
    return min(max((date - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _date(header: str | None) -> datetime | None:
    """The moment of an HTTP date, UTC; None if it is not one."""
    try:
        date = parsedate_to_datetime(header) if header else None
    except (TypeError, ValueError):
        return None
    return date.replace(tzinfo=UTC) if date and date.tzinfo is None else date


def _is_a_limit(rows: int) -> bool:
    """Whether a number of rows is likely to be the most that a server puts on a page."""
    return rows == PAGE_SIZE or rows in _USUAL_LIMITS
