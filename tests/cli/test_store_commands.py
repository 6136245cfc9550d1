"""`moodfeed store` over real files, and over a real PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app, main
from store.sql_store import open_store
from tests.store.rows import did, record


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["store", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_it_goes():
    pass
