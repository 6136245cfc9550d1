"""A forgotten person leaves no trace in the stored data and does not come back; bundles that hold them are named."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bundle.directory import open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from cli.subcommands import app
from pipeline.clean import clean
from pipeline.fetch import fetch
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.import_files import import_files
from pipeline.forget import Account, UnknownNameError, find_accounts, forget, forget_in_tables, holders
from pipeline.forgotten import Forgotten, ForgottenListError
from pipeline.raw_store import RawStore
from pipeline.score import score
from pipeline.tables import read_interactions, read_posts, read_users
from pipeline.upstream import Json, UpstreamClient
from pipeline.workspace import Workspace
from tests.tiny_bundle import write_servable_tiny_bundle

POST: dict[str, Json] = {"created_at": 1_700_000_000_000, "video_link": "v", "post_summary": []}
ROWS: dict[str, list[Json]] = {
    "post": [POST | {"id": 1, "username": "zora-q"}, POST | {"id": 2, "username": "bo"}],
    "user": [{"id": 71, "username": "zora-q"}, {"id": 72, "username": "bo"}, {"id": None, "username": "zora-q"}],
    "view": [
        {"id": 1, "user_id": 71, "post_id": 2, "viewed_at": "2026-01-10 07:20:55"},
        {"id": 2, "user_id": "72", "post_id": 1, "viewed_at": "2026-01-10 07:20:56"},
        {"id": 3, "user_id": 72, "post_id": 2, "viewed_at": "2026-01-10 07:20:57"},
    ],
    "like": [{"id": 1, "user_id": "71", "post_id": 1, "liked_at": "2026-01-10 07:20:55"}, {"user_id": 71.0, "id": "x"}],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "data")
    workspace.directory.mkdir()
    with RawStore(workspace.raw) as store:
        for name, rows in ROWS.items():
            store.keep_page(name, 1, rows)
            store.finish(name)
    clean(workspace.raw, workspace.clean)
    score(workspace.clean, workspace.scores)
    return workspace


def files_that_hold(workspace: Workspace, text: str) -> list[str]:
    return [
        path.name
        for path in workspace.directory.rglob("*")
        if path.is_file()
        and (text.encode() in path.read_bytes() or text in path.read_bytes().decode("utf-8", "replace"))
    ]


@pytest.mark.parametrize("name", ["zora-q", "71", "id:71"])
def test_nothing_of_a_forgotten_person_is_left(workspace: Workspace, name: str) -> None:
    assert files_that_hold(workspace, "zora-q")
    report = forget(workspace, people=[name])
    assert report.accounts == (Account(71, "zora-q"),)
    assert report.renamed == 1
    assert files_that_hold(workspace, "zora-q") == []
    assert read_users(workspace.clean)["user_id"].tolist() == [72]
    assert read_interactions(workspace.clean)["user_id"].tolist() == [72, 72]
    assert read_posts(workspace.clean)["owner_username"].tolist() == ["", "bo"]
    with RawStore(workspace.raw) as store:
        assert [row.row_id for row in store.rows("view")] == [2, 3]
        assert store.count("like") == store.malformed_count("like") == store.malformed_count("user") == 0


def test_the_tables_cleaned_anew_are_those_that_forgetting_left(workspace: Workspace) -> None:
    forget(workspace, people=["zora-q"], posts=[2])
    kept = [read(workspace.clean) for read in (read_posts, read_users, read_interactions)]
    clean(workspace.raw, workspace.clean)
    for read, before in zip((read_posts, read_users, read_interactions), kept, strict=True):
        pd.testing.assert_frame_equal(read(workspace.clean), before)


def test_a_forgotten_post_is_gone_with_its_events(workspace: Workspace) -> None:
    forget(workspace, posts=[2])
    assert read_posts(workspace.clean)["post_id"].tolist() == [1]
    assert read_interactions(workspace.clean)["post_id"].tolist() == [1, 1]
    assert read_users(workspace.clean)["user_id"].tolist() == [71, 72]


def test_a_later_fetch_does_not_bring_them_back(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(workspace, people=["zora-q"], posts=[2])
    monkeypatch.setattr(
        UpstreamClient, "_page", lambda self, endpoint, page: ROWS.get(endpoint.name, []) if page == 1 else []
    )
    with (
        UpstreamClient("http://api.example.com", flic_token="t", resonance_algorithm="a") as client,
        RawStore(workspace.raw) as store,
    ):
        fetch(client, store, forgotten=Forgotten.read(workspace.forgotten))
        assert [row.row_id for row in store.rows("user")] == [72]
        assert [row.row_id for row in store.rows("post")] == [1]
        assert [row.row_id for row in store.rows("view")] == [2]
        assert [row.fields["username"] for row in store.rows("post")] == [""]
    assert files_that_hold(workspace, "zora-q") == []


def test_the_list_names_nobody_and_a_damaged_one_stops_a_fetch(workspace: Workspace) -> None:
    forget(workspace, people=["zora-q"])
    document = json.loads(workspace.forgotten.read_text(encoding="utf-8"))
    assert all(len(item) == 64 for name in ("users", "usernames", "posts") for item in document[name])
    workspace.forgotten.write_text("{", encoding="utf-8")
    with pytest.raises(ForgottenListError, match="no data is fetched or imported without it"):
        Forgotten.read(workspace.forgotten)


def test_forgetting_twice_is_no_error_and_an_unknown_name_changes_nothing(workspace: Workspace) -> None:
    with pytest.raises(UnknownNameError, match="no account has the username or id 'nobody'"):
        forget(workspace, people=["zora-q", "nobody"])
    assert len(read_users(workspace.clean)) == 2
    assert not workspace.forgotten.exists()
    forget(workspace, people=["zora-q"])
    assert forget(workspace, people=["zora-q", "71"]).accounts == ()


def test_a_name_of_several_accounts_is_refused_with_their_ids() -> None:
    accounts = [Account(7, "ana"), Account(8, "ana"), Account(9, "7")]
    nobody = Forgotten("salt")
    for name, ids in (("ana", "id:7, id:8"), ("7", "id:7, id:9")):
        with pytest.raises(UnknownNameError, match=f"matches 2 accounts: pass one or more of {ids}"):
            find_accounts(accounts, [name], nobody)
    assert find_accounts(accounts, ["id:7", "id:8"], nobody) == (Account(7, "ana"), Account(8, "ana"))


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.text(max_size=8))
def test_only_what_was_put_on_the_list_is_on_it(user_id: int, post_id: int, username: str) -> None:
    found = Forgotten("salt").with_added(users=[user_id], usernames=[username], posts=[post_id])
    assert (found.has_user(user_id), found.has_post(post_id), found.has_username(username)) == (True, True, True)
    assert found.has_user(post_id) is (user_id == post_id)
    assert not found.has_username(username + "x")
    rows: list[Json] = [{"id": 1, "user_id": user_id}, {"id": 2, "post_id": str(post_id)}, {"id": 3}, "no row"]
    assert list(found.without_forgotten("view", rows)) == rows[2:]


def test_bundles_that_hold_them_are_named(tmp_path: Path) -> None:
    directory = write_servable_tiny_bundle(tmp_path)
    user_id = int(KnownUsers.read(open_bundle(directory)).user_ids[0])
    owner = next(iter(IndexPosts.read(open_bundle(directory)).posts)).owner_username
    nobody = Forgotten("salt")
    assert holders(tmp_path, nobody.with_added(users=[10**9], usernames=["zora-q"], posts=[10**9])) == ()
    for forgotten in (
        nobody.with_added(users=[user_id], usernames=[], posts=[]),
        nobody.with_added(users=[], usernames=[], posts=[10]),
        nobody.with_added(users=[], usernames=[owner], posts=[]),
    ):
        assert holders(tmp_path, forgotten) == (directory,)


def test_the_command_says_what_is_left(workspace: Workspace, tmp_path: Path) -> None:
    where = ["--data", str(workspace.directory), "--bundles", str(tmp_path / "bundles")]
    done = CliRunner().invoke(app, ["forget", "zora-q", "--post", "2", *where])
    assert done.exit_code == 0, done.output
    for text in ("Forgot 'zora-q' (id 71).", "Forgot post 2.", "No bundle in", "the upstream API"):
        assert text in done.output
    assert CliRunner().invoke(app, ["forget", *where]).exit_code == 2


def imported(workspace: Workspace, lines: str) -> None:
    file = workspace.directory.with_name("events.csv")
    file.write_text("user_id,item_id,timestamp\n" + lines, encoding="utf-8")
    import_files(recognise([file], Wanted()), workspace.clean)
    forget_in_tables(workspace, Forgotten.read(workspace.forgotten))


def test_an_import_that_numbers_anew_leaves_out_the_forgotten_and_nobody_else(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    imported(workspace, "bo,q,1758348933\nzora,q,1758348934\nzora,r,1758348935\nbo,s,1758348936\nbo,7,1758348937\n")
    report = forget(workspace, people=["zora"], posts=["r", 7])
    assert [account.username for account in report.accounts] == ["zora"]
    imported(workspace, "abe,a,1758348930\nbo,q,1758348933\nzora,q,1758348934\nzora,r,1758348935\nbo,7,1758348937\n")
    assert read_users(workspace.clean)["username"].tolist() == ["abe", "bo"]
    assert read_posts(workspace.clean)["external_id"].tolist() == ["a", "q"]
    assert len(read_interactions(workspace.clean)) == 2


def test_a_post_may_be_forgotten_by_its_external_id_on_the_command_line(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    imported(workspace, "bo,p-1,1758348933\nbo,p-2,1758348934\n")
    arguments = ["forget", "--data", str(workspace.directory), "--bundles", str(tmp_path / "bundles"), "--post"]
    result = CliRunner().invoke(app, [*arguments, "p-1"])
    assert "Forgot post p-1." in result.output
    assert read_posts(workspace.clean)["external_id"].tolist() == ["p-2"]
    unknown = CliRunner().invoke(app, [*arguments, "p-3"])
    assert isinstance(unknown.exception, UnknownNameError)


def test_the_towers_of_evaluations_go_because_they_have_learnt_from_who_is_forgotten(workspace: Workspace) -> None:
    kept = workspace.evaluation_towers / "0123" / "training.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}", encoding="utf-8")
    forget(workspace, people=["zora-q"])
    assert not workspace.evaluation_towers.exists()
