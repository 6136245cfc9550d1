"""The product runs as a user that the machine does not know: no entry of its own, no home directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.held_port import held_port
from tests.serving_process import wait_until_log_says_serving
from tests.tiny_bundle import write_servable_tiny_bundle

UNKNOWN_USER = """
import pwd

def refuse(asked):
    raise KeyError(f"getpwuid(): uid not found: {asked}")

pwd.getpwuid = pwd.getpwnam = refuse
"""
DRAWING = """
import sys
import cli.data_stages, cli.stages, pipeline.export, pipeline.refresh
assert "matplotlib" not in sys.modules
import pipeline.report_plots
assert "MPLCONFIGDIR" not in __import__("os").environ
"""


@pytest.fixture(params=["no home directory", "none named"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(UNKNOWN_USER, encoding="utf-8")
    paths = os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    kept = {name: value for name, value in os.environ.items() if name not in {"HOME", "USER", "LOGNAME"}}
    home = {"HOME": "/dev/null/home"} if request.param == "no home directory" else {}
    return kept | home | {"PYTHONPATH": paths}


def test_every_stage_can_be_imported_and_reports_drawn_without_a_word(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRAWING], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_matplotlib_keeps_to_the_directory_that_its_variable_names(environment: dict[str, str], tmp_path: Path) -> None:
    named = tmp_path / "of matplotlib"
    program = "import pipeline.report_plots, os; print(os.environ['MPLCONFIGDIR'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"MPLCONFIGDIR": str(named)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == str(named)
    assert list(named.iterdir())


@pytest.mark.parametrize("process", ["gateway", "user_tower_service", "post_index_service", "embedded"])
def test_every_process_serves(environment: dict[str, str], tmp_path: Path, process: str) -> None:
    bundles, log = tmp_path / "bundles", tmp_path / "log"
    write_servable_tiny_bundle(bundles)
    with held_port() as first, held_port() as second, log.open("wb") as output:
        variables = {
            "MOODFEED_USER_TOWER_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_POST_INDEX_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_GATEWAY_GRPC_ADDRESS": f"127.0.0.1:{first}",
            "MOODFEED_GATEWAY_HTTP_ADDRESS": f"127.0.0.1:{second}",
            "MOODFEED_USER_TOWER_METRICS_PORT": "0",
            "MOODFEED_POST_INDEX_METRICS_PORT": "0",
            "MOODFEED_BUNDLES": str(bundles),
        }
        with subprocess.Popen(
            [sys.executable, "-m", process], env=environment | variables, stdout=output, stderr=output
        ) as running:
            try:
                wait_until_log_says_serving(running, log, seconds=60)
            finally:
                running.terminate()
