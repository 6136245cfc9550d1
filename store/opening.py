"""From a URL to a database that answers: the directory of a SQLite file is made, connections are closed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from store.engine import LONGEST_WAIT, SQLITE, connect, parse_url, sqlite_path
from store.errors import StoreUnavailableError


def engine_of(
    url: str,
    *,
    password_file: Path | None = None,
    pool_size: int = 8,
    only_reads: bool = False,
    longest_wait: float = LONGEST_WAIT,
) -> Engine:
    """An engine for a URL, with no connection yet; StoreUrlError, or StoreUnavailableError for a directory."""
    parsed = parse_url(url, password_file=password_file)
    if parsed.drivername == SQLITE:
        try:
            sqlite_path(parsed).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(f"{error.filename}: {error.strerror}") from error
    return connect(parsed, pool_size=pool_size, only_reads=only_reads, longest_wait=longest_wait)


@contextmanager
def opened(url: str, *, password_file: Path | None = None, only_reads: bool = False) -> Iterator[Engine]:
    """The database of a URL for the length of a block; with ``only_reads`` it may be one that cannot be written."""
    engine = engine_of(url, password_file=password_file, pool_size=2, only_reads=only_reads)
    try:
        yield engine
    finally:
        engine.dispose()
