"""The clients as somebody else has them: a wheel in an environment of its own, and a package in a scratch project."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.browser import BrowserPage
from tests.clients.gateways import World, running_world

ROOT = Path(__file__).parents[2]
TYPESCRIPT = ROOT / "clients" / "typescript"
BUNDLES = "MOODFEED_CLIENTS_BUNDLES"  # a directory of bundles to use instead of the small one


def run(command: list[object], directory: Path, *, seconds: float = 280, **variables: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def is_wanted(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-clients"):
        pytest.skip("needs Node and .venv-clients: run `make test-clients`")


@pytest.fixture(scope="session")
def page(is_wanted: None) -> Iterator[BrowserPage]:
    """A server of one page on this machine."""
    with BrowserPage() as page:
        yield page


@pytest.fixture(scope="session")
def world(
    is_wanted: None, page: BrowserPage, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    named = os.environ.get(BUNDLES)
    bundles = Path(named) if named else request.getfixturevalue("small_bundles")
    with running_world(bundles, tmp_path_factory.mktemp("world"), origin=page.origin) as world:
        yield world


@pytest.fixture(scope="session")
def client_python(is_wanted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of .venv-clients, with the wheel that was just built from the sdist, and nothing of the checkout."""
    python = ROOT / ".venv-clients" / "bin" / "python"
    assert python.exists(), "run `make test-clients`, which sets it up"
    built = tmp_path_factory.mktemp("dist")
    source = built / "source"
    shutil.copytree(ROOT / "clients" / "python", source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    run([ROOT / ".venv/bin/python", "-m", "build", "--no-isolation", "--outdir", built, source], built)
    (wheel,) = built.glob("*.whl")
    assert len(list(built.glob("*.tar.gz"))) == 1
    run([python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", wheel], built)
    return python


@pytest.fixture(scope="session")
def node_project(is_wanted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the packed package installed, and the runners of the conformance run beside it."""
    project = tmp_path_factory.mktemp("node")
    run(["npm", "run", "build"], TYPESCRIPT)
    run(["npm", "pack", "--pack-destination", project], TYPESCRIPT)
    (packed,) = project.glob("*.tgz")
    described = {"name": "scratch", "private": True, "type": "module"}
    (project / "package.json").write_text(json.dumps(described), encoding="utf-8")
    run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", packed], project)
    for path in (TYPESCRIPT / "conformance").glob("*.mjs"):
        shutil.copy(path, project)
    return project
