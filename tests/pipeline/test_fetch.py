"""The real client against the real stand-in, faults included."""

import logging
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pipeline.clean import clean
from pipeline.fetch import fetch
from pipeline.raw_store import RawStore, RawStoreError
from pipeline.upstream import (
    ENDPOINTS,
    Json,
    SecretRefusedError,
    UpstreamClient,
    UpstreamError,
    WrongShapeError,
    without_secrets,
)
from sample_api.faults import Faults
from sample_api.server import SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, running_sample_api
from sample_api.world import World


def client_of(url: str, **changes: object) -> UpstreamClient:
    settings: dict[str, object] = {
        "flic_token": SAMPLE_TOKEN,
        "resonance_algorithm": SAMPLE_RESONANCE_ALGORITHM,
        "sleep": lambda seconds: None,
    }
    return UpstreamClient(url, **(settings | changes))


def stored(store: RawStore) -> dict[str, int]:
    return {endpoint.name: store.count(endpoint.name) for endpoint in ENDPOINTS}


def expected(world: World) -> dict[str, int]:
    tables = world.tables
    return {
        "view": len(tables.views),
        "like": len(tables.likes),
        "inspire": len(tables.inspires),
        "rating": len(tables.ratings),
        "post": len(tables.posts),
        "user": len(tables.users),
    }


@pytest.mark.parametrize(
    "faults",
    ["", "429:every=3,retry_after=0", "500:every=4", "cut:every=3", "short-pages:every=2", "old-schema"],
)
def test_every_row_arrives_whatever_happens_on_the_way(small_world: World, tmp_path: Path, faults: str) -> None:
    with (
        running_sample_api(small_world, faults=Faults.parse(faults)) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        fetch(client, store)
        assert stored(store) == expected(small_world)


def test_retry_after_is_honoured(small_world: World, tmp_path: Path) -> None:
    waits: list[float] = []
    faults = Faults.parse("429:every=2,retry_after=17 at_most=1")
    with (
        running_sample_api(small_world, faults=faults) as url,
        client_of(url, sleep=waits.append) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        fetch(client, store)
    assert waits == [17.0]


def test_a_fetch_that_was_cut_off_goes_on_where_it_stood(small_world: World, tmp_path: Path) -> None:
    path = tmp_path / "raw.sqlite"
    with running_sample_api(small_world, faults=Faults.parse("500:every=4")) as url, RawStore(path) as store:
        with client_of(url, attempts=1) as client, pytest.raises(UpstreamError, match="`moodfeed fetch` resumes here"):
            fetch(client, store, source="the sample API")
        assert 0 < sum(stored(store).values()) < sum(expected(small_world).values())
    pages: list[str] = []
    with running_sample_api(small_world) as url, client_of(url) as client, RawStore(path) as store:
        assert store.next_page("like") > 1 or store.next_page("view") > 1
        fetch(client, store, source="the sample API", progress=lambda rows, name: pages.append(name))
        assert stored(store) == expected(small_world)
        assert store.next_page("view") == 1


def test_fetching_again_changes_nothing_and_rows_gone_upstream_stay(small_world: World, tmp_path: Path) -> None:
    with (
        running_sample_api(small_world, faults=Faults.parse("vanishing:rows=5")) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        fetch(client, store)
        fetch(client, store)
        assert stored(store) == expected(small_world)


def test_a_wrong_token_is_refused_at_once_with_the_variable_to_set(small_world: World, tmp_path: Path) -> None:
    waits: list[float] = []
    with (
        running_sample_api(small_world) as url,
        client_of(url, flic_token="not-the-token", sleep=waits.append) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
        pytest.raises(SecretRefusedError, match="MOODFEED_FLIC_TOKEN") as caught,
    ):
        fetch(client, store)
    assert waits == []
    assert "not-the-token" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "wrong-secret"])
def test_posts_in_place_of_events_are_refused_and_the_missing_secret_is_named(
    small_world: World, tmp_path: Path, secret: str
) -> None:
    with (
        running_sample_api(small_world) as url,
        client_of(url, resonance_algorithm=secret) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        with pytest.raises(WrongShapeError, match="MOODFEED_RESONANCE_ALGORITHM") as caught:
            fetch(client, store)
        assert "wrong-secret" not in str(caught.value)
        assert store.count("view") == 0


def test_an_endless_failure_ends_with_the_place_and_the_reason(small_world: World, tmp_path: Path) -> None:
    with (
        running_sample_api(small_world, faults=Faults.parse("500:every=1")) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
        pytest.raises(UpstreamError, match=r"/posts/view page 1: status 500, 6 times"),
    ):
        fetch(client, store)


def test_secrets_show_neither_in_the_client_nor_in_logs(
    small_world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with running_sample_api(small_world) as url, client_of(url) as client, RawStore(tmp_path / "raw.sqlite") as store:
        fetch(client, store)
        assert SAMPLE_TOKEN not in repr(client)
    assert SAMPLE_RESONANCE_ALGORITHM not in caplog.text


def test_nothing_personal_reaches_the_disk(small_world: World, tmp_path: Path) -> None:
    with running_sample_api(small_world) as url, client_of(url) as client, RawStore(tmp_path / "raw.sqlite") as store:
        fetch(client, store)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    user = small_world.tables.users[3]
    for name in ("email", "first_name", "last_name", "latitude", "longitude", "last_login"):
        value = str(user[name]).encode()
        assert not value or value not in on_disk, name
    assert b"Private words" not in on_disk
    assert b"social.example.com" not in on_disk
    assert b"one person, seen from behind" not in on_disk
    assert str(user["username"]).encode() in on_disk


def test_a_file_that_is_no_raw_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "raw.sqlite"
    path.write_text("no database at all, but long enough to be looked at " * 40, encoding="utf-8")
    with pytest.raises(RawStoreError, match=r"raw\.sqlite"):
        RawStore(path)


def test_rows_of_another_upstream_are_refused_with_the_way_to_keep_them_apart(
    small_world: World, tmp_path: Path
) -> None:
    path = tmp_path / "raw.sqlite"
    with running_sample_api(small_world) as url, client_of(url) as client, RawStore(path) as store:
        fetch(client, store)
        fetch(client, store)
        before = stored(store)
    with (
        running_sample_api(small_world) as other,
        client_of(other) as client,
        RawStore(path) as store,
        pytest.raises(RawStoreError, match="--data OTHER") as caught,
    ):
        fetch(client, store)
    assert url.removeprefix("http://") in str(caught.value)
    assert other.removeprefix("http://") in str(caught.value)
    with RawStore(path) as store:
        assert stored(store) == before


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("http://api.example.com/v1/", True),
        ("https://ana:secret@API.example.com:443/v1?key=1#x", True),
        (" https://api.example.com/v1 ", True),
        ("https://api.example.com/v2", False),
        ("https://api.example.com:8443/v1", False),
        ("https://example.com/v1", False),
    ],
)
def test_an_upstream_is_its_host_and_path(url: str, same: bool) -> None:
    assert (client_of(url).source == client_of("https://api.example.com/v1").source) is same


def test_a_store_written_before_upstreams_were_remembered_belongs_to_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "raw.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE rows (endpoint TEXT, id INTEGER, payload TEXT NOT NULL, PRIMARY KEY (endpoint, id))")
        old.execute("INSERT INTO rows VALUES ('user', 1, '{}')")
    old.close()
    with RawStore(path) as store:
        assert (store.source, store.fetched_at) == (None, None)
        assert [row.is_listed for row in store.rows("user")] == [True]
        store.claim("api.example.com")
        assert store.source == "api.example.com"
        store.finish("user")
        assert [row.is_listed for row in store.rows("user")] == [False]


@pytest.mark.parametrize(
    "url",
    [
        "http://ana:hunter2@127.0.0.1:1",
        "http://ana:hunter2@[::1",
        "ftp://ana:hunter2@files.example.com",
        "ana:hunter2@api.example.com",
        "http://ana:hunter2@",
        "http://ana:hunter2@127.0.0.1:1/?key=hunter2",
        "http://ana:hun/ter2@api.example.com",
    ],
)
def test_a_password_in_the_url_shows_neither_in_errors_nor_in_logs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.DEBUG)
    assert "ter2" not in without_secrets(url)

    def fetch_once() -> None:
        client = client_of(url, attempts=1)
        assert "hunter2" not in repr(client)
        with RawStore(tmp_path / "raw.sqlite") as store:
            fetch(client, store)

    with pytest.raises(UpstreamError) as caught:
        fetch_once()
    assert "ana" not in str(caught.value)
    assert "ana:" not in caplog.text
    assert "\n" not in str(caught.value)


def test_a_password_in_the_url_is_sent(tmp_path: Path) -> None:
    client = client_of("http://ana:hunter2@api.example.com/v1")
    request = client._http.build_request("GET", "/posts/view")
    assert str(request.url) == "http://api.example.com/v1/posts/view"
    assert isinstance(client._http.auth, httpx.BasicAuth)


def test_the_sample_loses_no_event_on_a_machine_whose_clock_is_years_behind(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pipeline.raw_store", "sample_api.server"):
        monkeypatch.setattr(f"{module}._now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    with (
        running_sample_api(small_world) as url,
        client_of(url) as client,
        RawStore(tmp_path / "raw.sqlite") as store,
    ):
        fetch(client, store)
    reasons = [finding.reason for finding in clean(tmp_path / "raw.sqlite", tmp_path / "clean").findings]
    assert "unknown post: dropped" in reasons
    assert not [reason for reason in reasons if "later than" in reason or "created after" in reason]


@pytest.mark.parametrize(("rows", "is_told"), [(1000, True), (20, True), (7, False)])
def test_an_upstream_that_ignores_the_page_is_told_where_there_may_be_more_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: int, is_told: bool
) -> None:
    same: list[Json] = [{"id": number} for number in range(rows)]
    monkeypatch.setattr(UpstreamClient, "_page", lambda *_: same)
    with client_of("http://api.example.com") as client, RawStore(tmp_path / "raw.sqlite") as store:
        warnings = fetch(client, store).warnings
        assert store.count("post") == rows
    assert len(warnings) == (len(ENDPOINTS) if is_told else 0)
    assert all(f"page 2 has the same {rows} rows as page 1" in warning for warning in warnings)


def test_a_last_page_of_several_that_comes_again_is_no_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pages: list[list[Json]] = [[{"id": page * 20 + number} for number in range(20)] for page in range(3)]
    monkeypatch.setattr(UpstreamClient, "_page", lambda client, endpoint, number: pages[min(number, 3) - 1])
    with client_of("http://api.example.com") as client, RawStore(tmp_path / "raw.sqlite") as store:
        assert fetch(client, store).warnings == ()
        assert store.count("post") == 60


def pages_of(monkeypatch: pytest.MonkeyPatch, pages: Sequence[list[Json]], **changes: object) -> list[int]:
    """The numbers of the pages that are read from an upstream that repeats its last page with other counters."""
    asked: list[int] = []

    def page(self: UpstreamClient, endpoint: object, number: int) -> list[Json]:
        asked.append(number)
        rows = pages[min(number, len(pages)) - 1]
        return [row | {"view_count": len(asked)} if isinstance(row, dict) else row for row in rows]

    monkeypatch.setattr(UpstreamClient, "_page", page)
    kept = [number for number, _ in client_of("http://api.example.com", **changes).pages(ENDPOINTS[4])]
    assert asked == [*kept, len(kept) + 1]
    return kept


def test_a_last_page_that_comes_again_with_a_changed_field_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pages_of(monkeypatch, [[{"id": 1}, {"id": 2}], [{"id": 3}]]) == [1, 2]


def test_a_page_with_one_new_row_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pages_of(monkeypatch, [[{"id": 1}, {"id": 2}], [{"id": "2"}, {"id": 3}], []]) == [1, 2]
