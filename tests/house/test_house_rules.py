"""Rules of the house that a reader relies on: who may import whom; what is generated or locked is up to date."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OURS = {
    "cli",
    "gateway",
    "moodfeed",
    "pipeline",
    "post_index_service",
    "rpc",
    "sample_api",
    "two_tower",
    "user_tower_service",
}
ALLOWED = {
    "rpc": {"moodfeed"},
    "two_tower": set(),
    "sample_api": set(),
    "pipeline": {"two_tower"},
    "gateway": {"moodfeed", "rpc"},
    "user_tower_service": {"moodfeed", "rpc", "two_tower"},
    "post_index_service": {"moodfeed", "rpc", "two_tower"},
    "cli": {"moodfeed", "pipeline", "sample_api", "two_tower"},
}
FOREIGN_TO = {
    "gateway": {"torch", "transformers", "faiss", "numpy", "pandas"},
    "post_index_service": {"torch", "transformers", "pandas"},
    "user_tower_service": {"faiss", "pandas"},
    "rpc": {"torch", "faiss", "numpy", "pandas", "transformers"},
}
TORCH_FREE = (
    "bundle.py",
    "bundle_files.py",
    "held_bundles.py",
    "embedding_space.py",
    "features.py",
    "mood_text.py",
    "served_posts.py",
)
MAY_READ_GENERATED_CODE = {
    "gateway/clients.py",
    "gateway/service.py",
    "gateway/__main__.py",
    "user_tower_service/service.py",
    "user_tower_service/__main__.py",
    "post_index_service/service.py",
    "post_index_service/__main__.py",
    "rpc/bundle_admin.py",
    "cli/feed_table.py",
    "cli/bundle_processes.py",
}


def imports_of(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


SERVING = ("gateway", "post_index_service", "rpc", "two_tower", "user_tower_service")
WALL_CLOCK = re.compile(r"\btime\.time\(|\bdatetime\.now\(|\bdatetime\.utcnow\(|\bdate\.today\(")


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_dependencies_between_packages_point_one_way(package: str) -> None:
    for path in files_of(package):
        tops = {module.split(".")[0] for module in imports_of(path)}
        assert tops & OURS - {package} <= ALLOWED[package], path


@pytest.mark.parametrize("package", sorted(FOREIGN_TO))
def test_a_process_is_free_of_what_its_image_does_not_hold(package: str) -> None:
    for path in files_of(package):
        tops = {module.split(".")[0] for module in imports_of(path)}
        assert not tops & FOREIGN_TO[package], path


@pytest.mark.parametrize("module", ["gateway.__main__", "post_index_service.__main__", "rpc.probe"])
def test_a_process_without_torch_does_not_load_it(module: str) -> None:
    program = f"import sys, {module}; print(sorted({{'torch', 'transformers', 'pandas'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", SERVING)
def test_serving_never_asks_the_wall_clock_which_may_jump(package: str) -> None:
    for path in files_of(package):
        assert not WALL_CLOCK.search(path.read_text()), path


@pytest.mark.parametrize("name", TORCH_FREE)
def test_what_the_index_needs_of_two_tower_is_free_of_torch(name: str) -> None:
    assert not {"torch", "transformers"} & {module.split(".")[0] for module in imports_of(ROOT / "two_tower" / name)}


def test_only_the_edges_read_generated_code() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in OURS - {"moodfeed"}
        for path in files_of(package)
        if any(module.split(".")[0] == "moodfeed" for module in imports_of(path))
    }
    assert readers == MAY_READ_GENERATED_CODE


def test_generated_code_is_what_the_protos_say(tmp_path: Path) -> None:
    protos = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    outputs = [f"--{kind}={tmp_path}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT / "protos", *outputs, *protos], check=True, timeout=60
    )
    generated = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    committed = {
        path.relative_to(ROOT): path.read_text()
        for path in (ROOT / "moodfeed").rglob("*_pb2*")
        if path.suffix in {".py", ".pyi"}
    }
    assert generated == committed, "run `make protos`"


def test_the_protos_pass_buf_lint() -> None:
    buf = Path(sys.executable).parent / "buf"
    done = subprocess.run([buf, "lint"], cwd=ROOT / "protos", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("domain", "service", "base"),
    [
        ("gateway.feed", "gateway.service", "FeedError"),
        ("post_index_service.index", "post_index_service.service", "SearchError"),
        ("user_tower_service.encoder", "user_tower_service.service", "EncodingError"),
    ],
)
def test_every_domain_error_has_a_row_in_the_table_of_its_edge(domain: str, service: str, base: str) -> None:
    module = importlib.import_module(domain)
    root = getattr(module, base)
    errors = {
        item for _, item in inspect.getmembers(module, inspect.isclass) if issubclass(item, root) and item is not root
    }
    assert errors <= set(importlib.import_module(service).ERRORS)


def pins_of_pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    requirements = [Requirement(line) for line in lines]
    return {item.name: str(item.specifier) for item in requirements if item.name != "moodfeed"}


def pins_of_the_lock() -> dict[str, str]:
    requirements = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if line]
    return {item.name: str(item.specifier) for item in requirements}


def test_every_dependency_is_pinned_and_the_lock_agrees() -> None:
    lock = pins_of_the_lock()
    for name, pin in pins_of_pyproject().items():
        assert re.fullmatch(r"==[\w.]+", pin), name
        assert lock[name] == pin
    assert all(re.fullmatch(r"==[\w.]+", pin) for pin in lock.values())


def test_the_lock_names_neither_a_local_build_nor_a_place() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"\+cpu|://|--|@", text)


def test_no_committed_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    marks = ("/work" + "/", "/root" + "/", "/opt" + "/pypi", "/opt" + "/wheels")
    for name in listed:
        content = (ROOT / name).read_bytes()
        assert not [mark for mark in marks if mark.encode() in content.replace(b"../shared", b"")], name
