"""`make demo-live`: on a product that runs, and on one that it starts itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

from cli.stack import Addresses
from tests.end_to_end.conftest import Running, free_addresses

ROOT = Path(__file__).parents[2]


def demonstrated(addresses: Addresses, bundles: Path, data: Path) -> str:
    """What the target's command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo_live", "--bundles", str(bundles), "--data", str(data)],
        cwd=ROOT,
        env=os.environ
        | addresses.as_environment()
        | {"MOODFEED_USER_TOWER_METRICS_PORT": "0", "MOODFEED_POST_INDEX_METRICS_PORT": "0", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_the_story(said: str) -> None:
    (name,) = set(re.findall(r"demo-[0-9a-f]{8}", said))
    assert (
        said.index(f"{name} is a stranger") < said.index(f"{name} is known") < said.index(f"The feed of {name} after 3")
    )
    written = [int(position) for position in re.findall(r"durable at position (\d+)", said)]
    read = [int(position) for position in re.findall(r"of position (\d+), came", said)]
    assert len(written) == len(read) == 3
    assert all(after >= position > 0 for position, after in zip(written, read, strict=True))
    assert "it has left the feed" in said
    assert "unknown again" in said


def test_it_starts_a_product_of_its_own_and_deletes_the_person_of_the_demonstration(
    small_bundles: Path, tmp_path: Path
) -> None:
    said = demonstrated(free_addresses(), small_bundles, tmp_path)
    check_the_story(said)
    assert "starting the three processes" in said
    assert re.search(r"demo-[0-9a-f]{8} is deleted, and unknown again", said)


def test_it_uses_a_product_that_runs_and_takes_back_what_it_may_not_delete(
    three_processes: Running, small_bundles: Path, tmp_path: Path
) -> None:
    said = demonstrated(three_processes.addresses, small_bundles, tmp_path)
    check_the_story(said)
    assert "Using the product that runs" in said
    assert "has taken everything back" in said
