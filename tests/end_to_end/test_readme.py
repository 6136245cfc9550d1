"""The commands that the README prints do what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from tests.end_to_end.conftest import Running, free_addresses

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NOT_RUN_HERE = {
    "make run": "test_run_shows_every_case below runs what it runs, on a small bundle",
    "make test": "this is it",
    "export MOODFEED_UPSTREAM_URL": "needs the real API's secrets",
    ".venv/bin/moodfeed build": "needs the real API; conftest runs the same stages over the sample API",
    "post_index.v1.PostIndexService/SearchPosts": "abridged; test_foreign_clients passes one answer on to the next",
}


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert len(lines) > 10
    return lines


def exception_for(command: str) -> str | None:
    return next((mark for mark in NOT_RUN_HERE if mark in command), None)


@pytest.fixture(scope="module")
def running(three_processes: Running) -> Running:
    """What `make run` starts."""
    return three_processes


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the place of the directory of that name beside the README."""
    return tmp_path_factory.mktemp("readme") / "secrets"


@pytest.mark.parametrize("command", [line for line in commands() if not exception_for(line)])
def test_a_command_of_the_readme_works(running: Running, small_bundles: Path, secrets: Path, command: str) -> None:
    username = running.busiest_username()
    command = command.replace("--category 2", f"--category {running.largest_category()}")
    command = command.replace("curl -s 'http", "curl -sf 'http").replace(".venv/bin/", f"{BIN}/")
    command = command.replace("127.0.0.1:50050", running.addresses.gateway_grpc)
    command = command.replace("127.0.0.1:50051", running.addresses.user_tower)
    command = command.replace("127.0.0.1:8000", running.addresses.gateway_http)
    command = command.replace("USERNAME", username).replace("BUNDLE_ID", running.bundle.bundle_id)
    command = command.replace("secrets", str(secrets))
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ
        | {"MOODFEED_BUNDLES": str(small_bundles), "MOODFEED_GATEWAY_GRPC_ADDRESS": running.addresses.gateway_grpc},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_exception_is_still_a_command_of_the_readme() -> None:
    used = {mark for line in commands() if (mark := exception_for(line))}
    assert used == set(NOT_RUN_HERE)


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_every_variable_of_the_readme_is_one_that_a_process_reads() -> None:
    named = set(re.findall(r"MOODFEED_[A-Z_]+[A-Z]", (ROOT / "README.md").read_text()))
    source = "".join(path.read_text() for path in ROOT.glob("*/*.py"))
    fields = {
        name: (ROOT / service / "settings.py").read_text() + (ROOT / "rpc/server_settings.py").read_text()
        for name, service in (
            ("GATEWAY", "gateway"),
            ("USER_TOWER", "user_tower_service"),
            ("POST_INDEX", "post_index_service"),
        )
    }
    for variable in named:
        owner = next((prefix for prefix in fields if variable.startswith(f"MOODFEED_{prefix}_")), None)
        if owner:
            field = variable.removeprefix(f"MOODFEED_{owner}_").lower()
            assert re.search(rf"^    {field}: ", fields[owner], re.MULTILINE), variable
        else:
            assert f'"{variable}"' in source, variable


def test_feed_as_json_is_what_a_machine_reads(running: Running) -> None:
    done = subprocess.run(
        [BIN / "moodfeed", "feed", running.busiest_username(), "--json", "--address", running.addresses.gateway_grpc],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(json.loads(done.stdout)["posts"]) == 10


def test_a_refusal_is_one_line_and_exit_code_1(running: Running) -> None:
    done = subprocess.run(
        [BIN / "moodfeed", "feed", "nobody at all", "--address", running.addresses.gateway_grpc],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "NOT_FOUND: User is not in database so give input of mood and category_id" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_shows_every_case_and_ends_cleanly(small_bundles: Path, tmp_path: Path, running: Running) -> None:
    addresses = free_addresses()
    done = subprocess.run(
        [BIN / "moodfeed", "run", "--once", "--data", tmp_path, "--bundles", small_bundles],
        env=os.environ
        | {
            "MOODFEED_GATEWAY_GRPC_ADDRESS": addresses.gateway_grpc,
            "MOODFEED_GATEWAY_HTTP_ADDRESS": addresses.gateway_http,
            "MOODFEED_USER_TOWER_ADDRESS": addresses.user_tower,
            "MOODFEED_POST_INDEX_ADDRESS": addresses.post_index,
            "MOODFEED_USER_TOWER_METRICS_PORT": "0",
            "MOODFEED_POST_INDEX_METRICS_PORT": "0",
            "COLUMNS": "160",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for ranking in ("RANKING_USER", "RANKING_MOOD_THEN_USER", "RANKING_MOOD,"):
        assert ranking in done.stdout
    assert "User is not in database so give input of mood and category_id" in done.stdout
    assert "invalid category id" in done.stdout
    assert f"curl -s 'http://{addresses.gateway_http}/feed?" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "feed",
        "users",
        "build",
        "fetch",
        "clean",
        "import-microlens",
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
    ],
)
def test_help_is_there_at_each_level(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"] if command else ["--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
