"""kill -9 at every step of whatever changes the bundles' root: a process finds the old bundle or the new one, whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.outcomes import record_outcome

LONGEST_SECONDS = 1800  # only a hang takes longer: on a quiet machine it is two minutes, on a busy one many times that
pytestmark = [pytest.mark.usefixtures("only_when_asked_for"), pytest.mark.timeout(LONGEST_SECONDS + 60)]

ROOT = Path(__file__).parents[2]
LEAST_KILLS = {
    "first export": 60,
    "export": 60,
    "export over a damaged copy": 80,
    "export over the debris of a crash": 80,
    "publish": 10,
    "publish from elsewhere": 80,
    "publish and remove old ones": 30,
    "rollback": 10,
}


@pytest.fixture(scope="module")
def results(only_when_asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_at_each_step", tmp_path_factory.mktemp("kills")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return {result["operation"]: result for result in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("operation", LEAST_KILLS)
def test_a_kill_at_any_step_leaves_a_whole_bundle_current_and_the_next_run_mends_the_rest(
    results: dict[str, dict[str, object]], operation: str
) -> None:
    result = results[operation]
    loads, answered = result["loads"], result["answered"]
    record_outcome(
        f"kill -9 at each step of: {operation}",
        injected=f"{result['kills']} kills; `current` loaded after each, and after {loads - result['kills']} others",
        requests=loads,
        answered=answered,
        wrong=loads - answered,
    )
    assert result["complaints"] == []
    assert result["kills"] >= LEAST_KILLS[operation]


def test_every_operation_has_its_kills(results: dict[str, dict[str, object]]) -> None:
    assert results.keys() == LEAST_KILLS.keys()
