"""Each image holds what its process imports, of our packages and of others, and the build may read each of ours."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"moodfeed"}


def targets() -> dict[str, set[str]]:
    """The packages that each target of the Dockerfile copies, those of its base among them."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if started := re.fullmatch(r"FROM (\S+) AS (\w+)", line):
            name = started[2]
            found[name] = set(found.get(started[1], ()))
        elif (copied := re.fullmatch(r"COPY (\w+) (\w+)", line)) and copied[1] in OURS:
            found[name].add(copied[1])
    return {target: packages for target, packages in found.items() if packages}


def imported_by(package: str) -> set[str]:
    """The packages of ours that the files of a package import when they run, wherever the import stands."""
    found: set[str] = set()
    for file in (ROOT / package).rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for_types = {
            child
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
            for child in ast.walk(node)
        }
        for node in ast.walk(tree):
            if node in for_types:
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return (found & OURS) - {package}


@pytest.mark.parametrize("target", sorted(targets()))
def test_an_image_holds_all_packages_that_it_imports(target: str) -> None:
    held = targets()[target]
    missing = {(package, name) for package in held for name in imported_by(package) - held}
    assert missing == set()


def test_the_build_may_read_every_package_that_it_copies() -> None:
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()}
    assert set().union(*targets().values()) - allowed == set()


def installed_with(extra: str) -> set[str]:
    """The distributions that `pip install moodfeed[extra]` installs on this machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: [Requirement(line) for line in lines] for name, lines in project["optional-dependencies"].items()}
    waiting = [Requirement(line) for line in project["dependencies"]] + list(extras[extra])
    found: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted.name == "moodfeed":
            waiting += [item for name in wanted.extras for item in extras[name]]
        elif canonicalize_name(wanted.name) not in found:
            found.add(canonicalize_name(wanted.name))
            needed = [Requirement(line) for line in requires(wanted.name) or ()]
            waiting += [
                item
                for item in needed
                if item.marker is None or any(item.marker.evaluate({"extra": name}) for name in ("", *wanted.extras))
            ]
    return found


STARTS_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError("the image has no " + name, name=name)
missing = set(sys.argv[2].split())
sys.meta_path.insert(0, Missing())
__import__(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("program", "extra"), [("gateway", "gateway"), ("post_index_service", "post-index"), ("bundle_sync", "s3")]
)
def test_a_process_starts_with_what_is_installed_in_its_image(program: str, extra: str) -> None:
    there = installed_with(extra)
    missing = [
        module
        for module, names in packages_distributions().items()
        if module not in OURS and not there & {canonicalize_name(name) for name in names}
    ]
    done = subprocess.run(
        [sys.executable, "-c", STARTS_WITHOUT, f"{program}.__main__", " ".join(missing)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
