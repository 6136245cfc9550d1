"""scripts/measure_chain.py leads from a made-up file to a bundle, and prints a row for each stage."""

import subprocess
import sys
from pathlib import Path

from bundle.directory import current_bundle

ROOT = Path(__file__).parents[2]


def test_a_small_set_becomes_a_bundle(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.measure_chain", "2000", "--directory", tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ")[0] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert rows == ["| stage", "| import", "| score", "| train, one epoch", "| export", "| all"]
    assert (current_bundle(tmp_path / "bundles") / "index.safetensors").is_file()
