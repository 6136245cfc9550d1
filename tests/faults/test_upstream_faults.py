"""The upstream API failing in each way that a server can: a clear error or a fetch that goes on, and nothing lost.

tests/pipeline/test_fetch.py has the faults that the sample API serves; here are those of a server that is none.
"""

import contextlib
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from cli.__main__ import main
from cli.subcommands import app
from pipeline.clean import clean
from pipeline.fetch import fetch
from pipeline.raw_store import RawStore
from pipeline.upstream import ENDPOINTS, UpstreamClient, UpstreamError, WrongShapeError
from pipeline.workspace import Workspace
from sample_api.server import SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, running_sample_api
from sample_api.world import World
from tests.faults.outcomes import record_outcome
from tests.held_port import held_port

VIEW = {"id": 1, "post_id": 2, "user_id": 3, "viewed_at": "2026-01-01 00:00:00"}
Answer = Callable[[BaseHTTPRequestHandler, int], None]  # of the handler of a request, and the page it asks for


@contextlib.contextmanager
def serving(answer: Answer, *, port: int = 0) -> Iterator[str]:
    """A server that answers each request so, on a free port unless one is named; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(parse_qs(urlsplit(self.path).query)["page"][0])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has heard enough
                answer(self, page)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(
    handler: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, length: int | None = None, **headers: str
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def rows(*items: object) -> bytes:
    return json.dumps({"posts": items}).encode()


def client_of(url: str, **changes: object) -> UpstreamClient:
    settings: dict[str, object] = {
        "flic_token": SAMPLE_TOKEN,
        "resonance_algorithm": SAMPLE_RESONANCE_ALGORITHM,
        "sleep": lambda seconds: None,
        "silence_seconds": 0.2,
        "reply_seconds": 0.5,
    }
    return UpstreamClient(url, **(settings | changes))


def error_of_fetch(url: str, raw: Path, **changes: object) -> UpstreamError:
    with client_of(url, **changes) as client, RawStore(raw) as store, pytest.raises(UpstreamError) as caught:
        fetch(client, store)
    assert "\n" not in str(caught.value)
    assert SAMPLE_TOKEN not in str(caught.value)
    assert SAMPLE_RESONANCE_ALGORITHM not in str(caught.value)
    return caught.value


def dripping(handler: BaseHTTPRequestHandler, page: int) -> None:
    """A byte every tenth of the longest silence, for ever."""
    handler.send_response(200)
    handler.end_headers()
    stop = threading.Event()
    while not stop.wait(0.02):  # until the client hangs up, which ends the write
        handler.wfile.write(b" ")


def silent(handler: BaseHTTPRequestHandler, page: int) -> None:
    handler.connection.recv(1)  # returns when the client hangs up


A_WEB_PAGE = "a web page"  # as the first reply it says that the URL is wrong
BROKEN: dict[str, tuple[Answer, str]] = {
    "a body cut off before its length": (lambda h, page: reply(h, rows(VIEW), length=999), "the reply was cut off"),
    "JSON that ends too early": (lambda h, page: reply(h, rows(VIEW)[:-3]), "the reply is not JSON"),
    A_WEB_PAGE: (
        lambda h, page: reply(h, b"<html>Welcome</html>", Content_Type="text/html"),
        "a web page",
    ),
    "an empty body": (lambda h, page: reply(h, b""), "the reply is not JSON"),
    "JSON too deep to read": (lambda h, page: reply(h, b"[" * 100_000), "the reply is not JSON"),
    "bytes that are no text": (lambda h, page: reply(h, b'{"posts": ["\xff\xfe"]}'), "the reply is not JSON"),
    "no gzip under that name": (
        lambda h, page: reply(h, b"plain", Content_Encoding="gzip"),
        "cannot be unpacked",
    ),
    "something that is no HTTP": (
        lambda h, page: h.wfile.write(b"220 mail.example.com ESMTP\r\n"),
        "the reply was cut off",
    ),
    "silence": (silent, "no reply in time"),
    "a drop at a time, for ever": (dripping, "the reply took too long"),
    "503 for ever": (lambda h, page: reply(h, b"", status=503), "status 503"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_server_that_stays_broken_ends_in_an_error_that_names_place_and_reason(tmp_path: Path, fault: str) -> None:
    answer, reason = BROKEN[fault]
    asked: list[int] = []

    def count_and_answer(handler: BaseHTTPRequestHandler, page: int) -> None:
        asked.append(page)
        answer(handler, page)

    with serving(count_and_answer) as url:
        message = str(error_of_fetch(url, tmp_path / "raw.sqlite", attempts=3))
    assert f"{url}/posts/view page 1" in message
    assert reason in message
    if fault == A_WEB_PAGE:
        assert "check MOODFEED_UPSTREAM_URL" in message
        assert asked == [1]
    else:
        assert "3 times" in message
        assert asked == [1, 1, 1]
    record_outcome(f"upstream answers with {fault}", injected="at every request", requests=1, answered=0, failed=1)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fetch_through_one_such_reply_goes_on_and_one_that_gave_up_is_resumed(tmp_path: Path, fault: str) -> None:
    broken, _ = BROKEN[fault]
    breaks = {2: 1}  # page -> replies that are still to be broken

    def answer(handler: BaseHTTPRequestHandler, page: int) -> None:
        if breaks.get(page):
            breaks[page] -= 1
            broken(handler, page)
        else:
            reply(handler, rows(*([VIEW | {"id": page}] if page < 4 else [])))

    with serving(answer) as url, RawStore(tmp_path / "raw.sqlite") as store:
        with client_of(url, attempts=1) as client, pytest.raises(UpstreamError, match="page 2"):
            list(_keep(client, store))
        assert (store.count("view"), store.next_page("view")) == (1, 2)
        breaks[3] = 1
        with client_of(url, attempts=2) as client:
            assert list(_keep(client, store)) == [2, 3]
        assert store.count("view") == 3
    record_outcome(
        f"upstream once answers with {fault}",
        injected="at one page, met by one attempt and by two",
        requests=2,
        answered=1,
        failed=1,
    )


def _keep(client: UpstreamClient, store: RawStore) -> Iterator[int]:
    """What fetch does with one endpoint."""
    for page, items in client.pages(ENDPOINTS[0], first_page=store.next_page("view")):
        store.keep_page("view", page, items)
        yield page


def test_nobody_listening_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    with held_port() as port:
        message = str(error_of_fetch(f"http://127.0.0.1:{port}", tmp_path / "raw.sqlite", attempts=2))
    assert f"http://127.0.0.1:{port}: nothing answers at 127.0.0.1:{port}" in message
    assert "check MOODFEED_UPSTREAM_URL" in message


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_another_status_is_an_error_at_once_and_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    asked: list[int] = []

    def answer(handler: BaseHTTPRequestHandler, page: int) -> None:
        asked.append(page)
        reply(handler, b"", status=status, Location=handler.path)

    with serving(answer) as url:
        message = str(error_of_fetch(url, tmp_path / "raw.sqlite"))
    assert f"status {status}" in message
    assert "check MOODFEED_UPSTREAM_URL" in message
    assert asked == [1]


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"posts"',
        b"{}",
        b'{"posts": null}',
        b'{"posts": {}}',
        b'{"posts": "many"}',
        b'{"posts": [null, 1, "x", []]}',
        b'{"posts": [{"id": 1}]}',
    ],
)
def test_a_reply_of_another_shape_is_refused_at_once_and_nothing_of_it_is_kept(tmp_path: Path, body: bytes) -> None:
    with serving(lambda handler, page: reply(handler, body)) as url:
        assert isinstance(error_of_fetch(url, tmp_path / "raw.sqlite"), WrongShapeError)
    with RawStore(tmp_path / "raw.sqlite") as store:
        assert store.count("view") == store.malformed_count("view") == 0


@pytest.mark.parametrize(
    "strange",
    [
        b"NaN",
        b"Infinity",
        b"1e400",
        b"-1.5",
        b"null",
        b"true",
        b'"x7"',
        b"[]",
        b"{}",
        b"9223372036854775808",
        b"1" * 400,
    ],
)
def test_a_row_whose_id_is_no_number_is_set_apart_and_the_page_is_kept(tmp_path: Path, strange: bytes) -> None:
    body = rows(VIEW, VIEW | {"id": "STRANGE"}).replace(b'"STRANGE"', strange)
    with (
        serving(lambda handler, page: reply(handler, body if page == 1 else rows())) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        list(_keep(client, store))
        assert (store.count("view"), store.malformed_count("view")) == (1, 1)


def test_half_a_surrogate_pair_is_kept_as_a_question_mark(tmp_path: Path) -> None:
    body = rows(VIEW | {"viewed_at": "\ud83d"})
    with (
        serving(lambda handler, page: reply(handler, body if page == 1 else rows())) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        list(_keep(client, store))
        assert [row.fields["viewed_at"] for row in store.rows("view")] == ["?"]


@pytest.mark.parametrize("cycle", [1, 3])
def test_pages_that_come_again_for_ever_end_their_list_and_the_fetch_goes_on(tmp_path: Path, cycle: int) -> None:
    with serving(lambda handler, page: reply(handler, rows(VIEW | {"id": page % cycle}))) as url:
        error = error_of_fetch(url, tmp_path / "raw.sqlite")
    assert "/posts/like page 1: the rows are not like rows" in str(error)  # the next list, of the same replies
    with RawStore(tmp_path / "raw.sqlite") as store:
        assert store.count("view") == cycle


def test_new_rows_for_ever_end_at_a_number_of_pages(tmp_path: Path) -> None:
    with serving(lambda handler, page: reply(handler, rows(VIEW | {"id": page}))) as url:
        error = error_of_fetch(url, tmp_path / "raw.sqlite", most_pages=20)
    assert "/posts/view page 20: is not empty: more pages than allowed" in str(error)


def test_a_reply_that_grows_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.upstream.LARGEST_REPLY", 100_000)
    bomb = gzip.compress(bytes(10_000_000))
    with serving(lambda handler, page: reply(handler, bomb, Content_Encoding="gzip")) as url:
        message = str(error_of_fetch(url, tmp_path / "raw.sqlite", reply_seconds=60))
    assert "the reply has more than 100000 bytes" in message


@pytest.mark.parametrize("command", ["fetch", "build"])
def test_a_fetch_that_fails_leaves_what_was_stored_and_the_clean_tables_as_they_were(
    small_world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    workspace = Workspace(tmp_path)
    secrets = ("--flic-token", SAMPLE_TOKEN, "--resonance-algorithm", SAMPLE_RESONANCE_ALGORITHM)
    with running_sample_api(small_world) as url:
        result = CliRunner().invoke(app, ["fetch", "--url", url, "--data", str(tmp_path), *secrets])
        assert result.exit_code == 0, result.output
    clean(workspace.raw, workspace.clean)
    before = {path.name: path.read_bytes() for path in workspace.clean.iterdir()}
    with RawStore(workspace.raw) as store:
        stored = {endpoint.name: store.count(endpoint.name) for endpoint in ENDPOINTS}

    with serving(lambda handler, page: reply(handler, b"{}"), port=urlsplit(url).port or 0) as url:  # the same upstream
        arguments = [command, "--url", url, "--data", str(tmp_path), *secrets]
        monkeypatch.setattr("sys.argv", ["moodfeed", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert error.count("\n") == 1
    assert "the reply has no list 'posts'" in error
    assert {path.name: path.read_bytes() for path in workspace.clean.iterdir()} == before
    with RawStore(workspace.raw) as store:
        assert {endpoint.name: store.count(endpoint.name) for endpoint in ENDPOINTS} == stored
