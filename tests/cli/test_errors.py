"""The errors that end a command in one line are known by their names, so that a refusal loads no torch."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bundle.manifest import BundleError
from cli.errors import EXPECTED_ERRORS, is_expected


@pytest.mark.parametrize("name", sorted(EXPECTED_ERRORS))
def test_each_name_is_that_of_an_error(name: str) -> None:
    module, _, error = name.rpartition(".")
    found = getattr(import_module(module), error)
    assert issubclass(found, Exception)
    assert found.__module__ == module


def test_a_kind_of_an_expected_error_is_expected_and_any_other_is_not() -> None:
    class WorseError(BundleError):
        pass

    assert is_expected(WorseError(Path("bundle"), "is worse"))
    assert not is_expected(ValueError("a fault of ours"))


def test_a_refusal_loads_neither_torch_nor_pandas(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from cli.__main__ import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(sorted({'torch', 'transformers', 'pandas'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "users", "--bundles", tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "[]"), done.stderr
    assert done.stderr.startswith("error: ")
