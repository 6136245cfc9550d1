"""`moodfeed store` over real files; tests/store has the same functions over PostgreSQL."""

from pathlib import Path

import pytest

from cli.__main__ import main
from store.sql_store import open_store
from tests.store.rows import did, record


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MOODFEED_STORE_URL", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("COLUMNS", "200")
    return f"sqlite:///{tmp_path}/store.sqlite"


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `moodfeed store …`."""
    monkeypatch.setattr("sys.argv", ["moodfeed", "store", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_store_is_made_looked_at_and_vacuumed(url: str, monkeypatch, capsys) -> None:
    code, _, err = run(monkeypatch, capsys, "status")
    assert code == 1
    assert "there is no store yet" in err
    assert "Created the tables, version 0003." in run(monkeypatch, capsys, "migrate")[1]
    assert "already" in run(monkeypatch, capsys, "migrate")[1]
    with open_store(url) as store:
        record(store, did("1", "ana", at=1_700_000_000_000), did("2", "bo", at=1_700_000_000_000))
    code, out, _ = run(monkeypatch, capsys, "status")
    assert code == 0
    for words in ("version 0003, current", "2023-11-14 22:13:20 UTC", "event ids ever recorded"):
        assert words in out
    assert "Vacuumed." in run(monkeypatch, capsys, "vacuum")[1]


def test_a_backup_is_written_whole_for_its_owner_alone_and_restored_when_asked(
    url: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    with open_store(url) as store:
        record(store, did("1", "ana"))
    backup = tmp_path / "backup.sqlite"
    assert "up to position 1" in run(monkeypatch, capsys, "backup", str(backup))[1]
    assert backup.stat().st_mode & 0o777 == 0o600
    code, _, err = run(monkeypatch, capsys, "restore", str(backup))
    assert (code, "pass --replace" in err) == (1, True)
    assert "Restored" in run(monkeypatch, capsys, "restore", str(backup), "--replace")[1]
    elsewhere = f"sqlite:///{tmp_path}/new/store.sqlite"
    assert "Restored" in run(monkeypatch, capsys, "restore", str(backup), "--store", elsewhere)[1]
    with open_store(elsewhere) as store:
        assert store.history("ana") is not None
    assert {path.name for path in tmp_path.iterdir()} == {"backup.sqlite", "new", "store.sqlite"}


def test_a_url_or_server_that_is_wrong_is_one_line_without_the_password(url: str, monkeypatch, capsys) -> None:
    for wrong in ("mysql://ana:secret@host/db", "postgresql://ana:secret@127.0.0.1:1/db"):
        code, _, err = run(monkeypatch, capsys, "status", "--store", wrong)
        assert code == 1
        assert err.startswith("error: ")
        assert "secret" not in err


def test_the_store_below_a_directory_of_data_is_looked_at_unless_another_is_named(
    url: str, monkeypatch, capsys, tmp_path: Path
) -> None:
    run(monkeypatch, capsys, "migrate")
    other = str(tmp_path / "other")
    assert run(monkeypatch, capsys, "status", "--data", other)[0] == 0  # the variable names it
    monkeypatch.delenv("MOODFEED_STORE_URL")
    assert run(monkeypatch, capsys, "status", "--data", str(tmp_path))[0] == 0
    code, _, err = run(monkeypatch, capsys, "status", "--data", other)
    assert code == 1
    assert f"{other}/store.sqlite" in err.replace("\n", "")
