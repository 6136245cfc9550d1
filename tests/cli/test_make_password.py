"""`moodfeed make-password`: a secret that containers can read, never replaced."""

from pathlib import Path

from typer.testing import CliRunner

from cli.subcommands import app
from store.engine import parse_url


def test_a_password_is_written_once_for_the_containers_in_a_directory_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "store-password"
    done = CliRunner().invoke(app, ["make-password", str(file)])
    password = file.read_text(encoding="utf-8")
    assert done.exit_code == 0
    assert password not in done.output
    assert len(password) >= 40
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o644, 0o700)
    url = parse_url("postgresql+psycopg://moodfeed@postgres/moodfeed", password_file=file)
    assert url.password == password
    again = CliRunner().invoke(app, ["make-password", str(file)])
    assert again.exit_code == 2
    assert "already exists" in again.output
    assert file.read_text(encoding="utf-8") == password
