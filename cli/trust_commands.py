"""`moodfeed make-certificates`, `make-token` and `make-password`: for TLS, callers and the store."""

import hashlib
import re
import secrets
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.progress import console

TOKEN_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_READABLE = 0o644
_PRIVATE = 0o700


class Scope(StrEnum):
    """What an API token may be for."""

    FEEDS = "feeds"
    FEEDBACK = "feedback"
    CATALOG = "catalog"


def make_certificates(
    directory: Annotated[Path, typer.Argument(help="Directory to write to; created if it does not exist.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="Days that the certificates are valid.")] = 30,
) -> None:
    """Make a certificate authority, and certificates for each process and one client; run it again to renew them."""
    from cli.certificates import SCRAPER, write_certificates

    names = write_certificates(directory, lifetime=timedelta(days=days))
    console.print(
        f"Valid for {days} days: {', '.join(f'{directory / name}/' for name in names)}\n"
        "each with certificate.pem, key.pem and authority.pem. Running processes pick up new ones without a restart.\n"
        f"For a scraper of metrics: {directory / SCRAPER}/ with authority.pem alone.",
        highlight=False,
        soft_wrap=True,
    )


def make_token(
    name: Annotated[str, typer.Argument(help="Name of the caller; metrics and rate limits use it.")],
    file: Annotated[
        Path | None, typer.Option(help="Tokens file to append the line to; without it the line is printed.")
    ] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What an API token may be used for; may be repeated. By default, feeds only."),
    ] = None,
) -> None:
    """Make a token and print it once; the line for the tokens file holds only its SHA-256."""
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a name is 1 to 64 letters, digits, dots, dashes or underscores", param_hint="NAME")
    token = secrets.token_urlsafe(TOKEN_BYTES)  # 256 random bits cannot be guessed, so an unsalted hash is enough
    line = f"{name}:{hashlib.sha256(token.encode()).hexdigest()}"
    if scope:
        line += f":{','.join(dict.fromkeys(scope))}"
    if file is not None:
        _add_line(file, line)
    typer.echo(token)
    if file is None:
        typer.echo(line)


def make_password(
    file: Annotated[Path, typer.Argument(help="File to write; a new directory for it is readable only by you.")],
) -> None:
    """Make a password for the store's PostgreSQL user and write it to a file, which is never replaced.

    The file can be read by the users of the containers that mount it; its directory, if it is new, only by you.
    """
    file.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(secrets.token_urlsafe(TOKEN_BYTES))
    except FileExistsError:
        raise typer.BadParameter(
            f"{file} already exists, and a database may have been set up with it: name another file", param_hint="FILE"
        ) from None
    file.chmod(_READABLE)
    console.print(f"Wrote {file}.", highlight=False, markup=False, soft_wrap=True)


def _add_line(path: Path, line: str) -> None:
    from cli.certificates import replace_file

    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    mode = path.stat().st_mode & 0o777 if path.exists() else _READABLE
    replace_file(path, f"{before}{line}\n".encode(), mode=mode)
