"""`make unit` is quick because it loads no torch: held here for what is collected and for the fixtures asked for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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

exit_code = pytest.main(["--collect-only", "--quiet", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Asked()])
print()
print(int(exit_code), sorted(Asked.fixtures), sorted({{"torch", "transformers", "pandas"}} & sys.modules.keys()))
"""


def unit_tests() -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    definition = re.search(r"^UNIT := (.*)$", text, re.MULTILINE)
    assert definition
    return [name for name in re.findall(r"tests/[\w/.]+", definition[1]) if (ROOT / name).exists()]


@pytest.mark.parametrize("name", ["tests/gateway/test_feed.py", "all of them"])
def test_a_unit_test_loads_no_torch(name: str) -> None:
    names = unit_tests() if name == "all of them" else [name]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout.splitlines()[-1] == "0 [] []", done.stdout + done.stderr
