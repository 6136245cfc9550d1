"""Every command explains itself."""

import pytest
from typer.testing import CliRunner

from cli.subcommands import app


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "open",
        "feed",
        "trending",
        "moods",
        "users",
        "like",
        "build",
        "fetch",
        "clean",
        "import",
        "validate",
        "forget",
        "score",
        "embed",
        "train",
        "evaluate",
        "ablate",
        "cold-start",
        "export",
        "publish",
        "rollback",
        "bundles",
        "report",
        "sample-api",
        "make-certificates",
        "make-token",
        "store",
        "store status",
        "store migrate",
        "store vacuum",
        "store backup",
        "store restore",
    ],
)
def test_help_is_there_at_each_level(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
