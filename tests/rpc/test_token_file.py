import hashlib
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rpc.token_file import TokenEntry, TokenFile, read_token_file
from rpc.watched_files import FileContentError


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(
        f"# callers\n\nweb:{sha256('one')}\n  app:{sha256('two')}  \nweb:{sha256('three')}\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize(("token", "name"), [("one", "web"), ("two", "app"), ("three", "web"), ("four", None)])
def test_several_tokens_are_valid_at_once_and_say_whose_they_are(path: Path, token: str, name: str | None) -> None:
    assert TokenFile(path).name_of([f"Bearer {token}"]) == name


@pytest.mark.parametrize(
    "authorizations",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        ["one"],
        ["Basic one"],
        ["Bearer one two"],
        ["Bearer ONE"],
        [f"Bearer {sha256('one')}"],
        ["Bearer one", "Bearer two"],
        ["Bearer é"],
    ],
)
def test_what_is_not_one_bearer_token_is_nobodys(path: Path, authorizations: list[str]) -> None:
    assert TokenFile(path).name_of(authorizations) is None


def test_the_scheme_may_be_written_in_any_case(path: Path) -> None:
    assert TokenFile(path).name_of(["bearer one"]) == TokenFile(path).name_of(["BEARER one"]) == "web"


def test_an_entry_that_is_taken_out_or_put_in_counts_from_the_next_request_on(path: Path) -> None:
    tokens = TokenFile(path)
    path.write_text(f"app:{sha256('two')}\nnew:{sha256('five')}\n", encoding="utf-8")
    assert [tokens.name_of([f"Bearer {token}"]) for token in ("one", "two", "five")] == [None, "app", "new"]


def test_a_file_without_entries_lets_nobody_in(path: Path) -> None:
    tokens = TokenFile(path)
    path.write_text("# nobody\n", encoding="utf-8")
    assert tokens.name_of(["Bearer one"]) is None
    assert tokens.name_of(["Bearer "]) is None


def test_a_file_that_went_bad_leaves_the_tokens_before_and_one_warning(path: Path) -> None:
    tokens = TokenFile(path)
    with capture_logs() as logs:
        path.write_text("web:a-token-in-the-clear\n", encoding="utf-8")
        assert tokens.name_of(["Bearer one"]) == "web"
        assert tokens.name_of(["Bearer two"]) == "app"
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert "line 1" in logs[0]["reason"]
    assert "a-token-in-the-clear" not in str(logs)


@pytest.mark.parametrize(
    "line", [sha256("one"), "web:one", f"web:{sha256('one')}0", f"we b:{sha256('one')}", f":{sha256('one')}", "web"]
)
def test_a_line_of_another_form_is_named_by_its_number_only(path: Path, line: str) -> None:
    path.write_text(f"app:{sha256('two')}\n{line}\n", encoding="utf-8")
    with pytest.raises(FileContentError, match=f"^{re.escape(str(path))}: line 2 ") as caught:
        read_token_file(path)
    assert line not in str(caught.value)


def test_one_token_under_two_names_is_refused(path: Path) -> None:
    path.write_text(f"app:{sha256('two')}\nweb:{sha256('two')}\n", encoding="utf-8")
    with pytest.raises(FileContentError, match="two lines have the same token"):
        read_token_file(path)


def test_what_is_read_are_names_and_hashes(path: Path) -> None:
    assert read_token_file(path)[1] == TokenEntry("app", sha256("two"))


def test_a_line_may_name_what_its_token_is_for(path: Path) -> None:
    path.write_text(f"a:{sha256('one')}\nb:{sha256('two')}:read\nc:{sha256('three')}:write,read\n", encoding="utf-8")
    tokens = TokenFile(path, scopes=("read", "write"))
    scopes = {name: tokens.entry_of([f"Bearer {name}"]) for name in ("one", "two", "three", "four")}
    assert {name: entry and set(entry.scopes) for name, entry in scopes.items()} == {
        "one": set(),
        "two": {"read"},
        "three": {"read", "write"},
        "four": None,
    }


@pytest.mark.parametrize(
    ("scopes", "known", "words"),
    [
        ("admin", ("read",), "line 1 names the scope admin: the known ones are read"),
        ("read", (), "line 1 names the scope read: these tokens have no scopes"),
        ("read,", ("read",), "line 1 is not"),
        ("", ("read",), "line 1 is not"),
    ],
)
def test_a_scope_that_does_not_exist_is_named(path: Path, scopes: str, known: tuple[str, ...], words: str) -> None:
    path.write_text(f"a:{sha256('one')}:{scopes}\n", encoding="utf-8")
    with pytest.raises(FileContentError, match=words):
        read_token_file(path, scopes=known)
