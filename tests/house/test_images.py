"""Each image holds every package of ours that its own packages import, and the build may read each of them."""

import ast
import re
from pathlib import Path

import pytest

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
