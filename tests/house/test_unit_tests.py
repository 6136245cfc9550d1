"""`make unit` is quick because it loads no torch: held here for what is collected and for the fixtures asked for."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRAINING_FIXTURES = {"small_workspace", "small_bundles"}  # of the root conftest: they run the pipeline
PROGRAM = f"""
import sys
import pytest

class Asked:
    fixtures = set()

    def pytest_collection_finish(self, session):
        for item in session.items:
            self.fixtures |= {TRAINING_FIXTURES} & set(item.fixturenames)

options = ["--collect-only", "--quiet", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
exit_code = pytest.main([*options, *sys.argv[1:]], plugins=[Asked()])
print()
print(int(exit_code), sorted(Asked.fixtures), sorted({{"torch", "transformers", "pandas"}} & sys.modules.keys()))
"""


def unit_tests() -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    definition = re.search(r"^UNIT := (.*)$", text, re.MULTILINE)
    assert definition
    return [name for name in re.findall(r"tests/[\w/.]+", definition[1]) if (ROOT / name).exists()]


def test_no_unit_test_loads_torch() -> None:
    command = [sys.executable, "-c", PROGRAM, *unit_tests()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.splitlines()[-1] == "0 [] []", done.stdout + done.stderr
