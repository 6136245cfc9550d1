"""The real client against the real stand-in, faults included."""

import logging
from pathlib import Path

import pytest

from pipeline.fetch import fetch
from pipeline.raw_store import RawStore, RawStoreError
from pipeline.upstream import ENDPOINTS, SecretRefusedError, UpstreamClient, UpstreamError, WrongShapeError
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
    path.write_text("no database at all, but long enough to be looked at " * 40)
    with pytest.raises(RawStoreError, match=r"raw\.sqlite"):
        RawStore(path)
