"""scripts/measure_import.py prints a row for each format, of real imports."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_set_in_each_format_is_imported_and_scored(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "measure_import.py", "500", "--formats", "csv,parquet,jsonl,inter",
         "--directory", tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if "| 500 |" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| csv", "| parquet", "| jsonl", "| inter"]
    assert len({path.stat().st_size for path in tmp_path.glob("*/data/clean/interactions.parquet")}) == 1
