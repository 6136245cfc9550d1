"""Rules of the house that a reader relies on: who may import whom; what is generated or locked is up to date."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.house.parsed_files import nodes_of
from tests.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "bundle": set(),
    "bundle_sync": {"bundle", "rpc"},
    "mood_encoder": {"bundle"},
    "two_tower": {"bundle"},
    "rpc": set(),
    "store": set(),
    "sample_api": set(),
    "pipeline": {"bundle", "mood_encoder", "store", "two_tower"},
    "gateway": {"moodfeed", "rpc"},
    "compute": {"bundle", "moodfeed", "rpc", "store"},
    "post_collection": {"bundle"},
    "post_index_service": {"bundle", "compute", "moodfeed", "post_collection", "rpc", "store"},
    "user_tower_service": {"bundle", "compute", "mood_encoder", "moodfeed", "rpc", "store", "two_tower"},
    "embedded": {
        "bundle",
        "compute",
        "gateway",
        "mood_encoder",
        "moodfeed",
        "post_index_service",
        "rpc",
        "store",
        "user_tower_service",
    },
    "cli": {
        "bundle",
        "bundle_sync",
        "mood_encoder",
        "moodfeed",
        "pipeline",
        "post_collection",
        "rpc",
        "sample_api",
        "store",
    },
    "benchmarks": {
        "bundle",
        "compute",
        "gateway",
        "mood_encoder",
        "moodfeed",
        "pipeline",
        "post_collection",
        "post_index_service",
        "rpc",
        "sample_api",
        "store",
        "two_tower",
        "user_tower_service",
    },
}
OURS = {*ALLOWED, "moodfeed"}
FOREIGN_TO = {
    "gateway": {"torch", "transformers", "faiss", "numpy", "pandas"},
    "post_index_service": {"torch", "transformers", "tokenizers", "openvino", "pandas"},
    "user_tower_service": {"faiss", "pandas"},
    "embedded": {"torch", "transformers", "pandas"},
    "bundle": {"torch", "transformers", "tokenizers", "openvino", "faiss", "pandas", "grpc"},
    "bundle_sync": {"torch", "transformers", "tokenizers", "openvino", "faiss", "pandas", "grpc"},
    "compute": {"torch", "transformers", "tokenizers", "openvino", "faiss", "pandas"},
    "rpc": {"torch", "faiss", "numpy", "pandas", "transformers"},
    "store": {"torch", "faiss", "numpy", "pandas", "transformers", "grpc"},
}
NEEDS_TORCH = {
    "mood_encoder/torch_encoder.py",
    "two_tower/attention.py",
    "two_tower/model.py",
    "two_tower/row_draws.py",
    "two_tower/torch_towers.py",
}
MAY_ASK_FOR_TORCH = ROOT / "user_tower_service" / "runtime.py"  # where MOODFEED_USER_TOWER_RUNTIME does
MAY_READ_GENERATED_CODE = {
    "gateway/clients.py",
    "gateway/context_messages.py",
    "gateway/feed_messages.py",
    "gateway/filter_messages.py",
    "gateway/http_parameters.py",
    "gateway/openapi.py",
    "gateway/service.py",
    "gateway/__main__.py",
    "compute/bundle_admin.py",
    "compute/embedding_messages.py",
    "compute/main.py",
    "user_tower_service/service.py",
    "user_tower_service/mood_messages.py",
    "user_tower_service/people_messages.py",
    "gateway/feedback_messages.py",
    "gateway/feedback_clients.py",
    "gateway/explorer_clients.py",
    "gateway/feedback_service.py",
    "gateway/people_watch.py",
    "gateway/http_people.py",
    "gateway/people_document.py",
    "gateway/openapi_forms.py",
    "gateway/openapi_people.py",
    "embedded/feedback_service.py",
    "embedded/explorer_facts.py",
    "embedded/people.py",
    "cli/live_feed.py",
    "cli/watch_screen.py",
    "user_tower_service/__main__.py",
    "post_index_service/catalog_messages.py",
    "post_index_service/service.py",
    "post_index_service/packed_posts.py",
    "post_index_service/query_messages.py",
    "post_index_service/reorder_messages.py",
    "embedded/service.py",
    "embedded/__main__.py",
    "post_index_service/__main__.py",
    "cli/feed_commands.py",
    "cli/feed_client.py",
    "cli/feed_table.py",
    "benchmarks/echo.py",
    "benchmarks/load.py",
    "benchmarks/live/clients.py",
    "benchmarks/scale/versions.py",
    "cli/bundle_processes.py",
    "cli/catalog_client.py",
    "cli/post_commands.py",
    "cli/rule_commands.py",
    "cli/similar_command.py",
    "cli/told_posts.py",
    "embedded/catalog_service.py",
    "gateway/catalog_clients.py",
    "gateway/catalog_messages.py",
    "gateway/catalog_service.py",
    "gateway/openapi_feeds.py",
    "gateway/openapi_posts.py",
    "gateway/rule_messages.py",
    "benchmarks/scale/shards.py",
    "gateway/shard_calls.py",
    "gateway/shard_clients.py",
    "gateway/shard_merge.py",
    "gateway/shard_posts.py",
    "gateway/shard_reordering.py",
    "gateway/shard_wiring.py",
    "gateway/sharded_search.py",
}


def imports_of(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


def asks_for_torch(path: Path) -> bool:
    tops = {module.split(".")[0] for module in imports_of(path)}
    return bool(tops & {"torch", "transformers"})


SERVING = (
    "bundle",
    "compute",
    "gateway",
    "mood_encoder",
    "post_index_service",
    "rpc",
    "store",
    "two_tower",
    "user_tower_service",
)
MAY_READ_THE_WALL_CLOCK = ROOT / "rpc" / "wall_clock.py"
WALL_CLOCK = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.now\(|\bdatetime\.utcnow\(|\bdate\.today\(")


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_dependencies_between_packages_point_one_way(package: str) -> None:
    for path in files_of(package):
        tops = {module.split(".")[0] for module in imports_of(path)}
        assert tops & OURS - {package} <= ALLOWED[package], path


LONGEST_FILE = 310
LONGER_FILES = {
    "gateway/feed_types.py": 474,  # what a feed is asked and answers, its errors and ports
    "cli/pipeline_commands.py": 325,  # mostly the options of the commands
    "pipeline/upstream.py": 350,
    "post_index_service/index.py": 314,  # the whole of a search, from the query to the page
    "mood_encoder/mood_text.py": 336,  # mostly tables of words and signs
}


def test_a_file_of_the_product_that_decides_one_thing_is_not_long() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in ALLOWED
        for path in files_of(package)
    }
    assert {name for name, count in lines.items() if count > LONGER_FILES.get(name, LONGEST_FILE)} == set()
    assert {name for name in LONGER_FILES if lines[name] <= LONGEST_FILE} == set(), "these need no exception any more"


def test_no_file_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "common", "helpers", "helper", "core", "base", "manager", "misc"}
    assert [path for package in ALLOWED for path in files_of(package) if set(path.stem.split("_")) & nothing] == []


def test_nothing_imports_the_benchmarks() -> None:
    packages = (*OURS, "scripts", "configs", "examples")
    assert not [
        path
        for package in packages
        if package != "benchmarks"
        for path in files_of(package)
        if any(module.split(".")[0] == "benchmarks" for module in imports_of(path))
    ]


@cache
def loaded_by(module: str) -> frozenset[str]:
    """The packages that a process has loaded once it has imported a module."""
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return frozenset(done.stdout.split())


def test_of_what_training_hands_over_the_post_index_imports_the_bundle_alone() -> None:
    of_training = {"bundle", "mood_encoder", "two_tower", "tokenizers", "openvino"}
    assert loaded_by("post_index_service.__main__") & of_training == {"bundle"}


@pytest.mark.parametrize("package", sorted(FOREIGN_TO))
def test_a_process_is_free_of_what_its_image_does_not_hold(package: str) -> None:
    for path in files_of(package):
        tops = {module.split(".")[0] for module in imports_of(path)}
        assert not tops & FOREIGN_TO[package], path


@pytest.mark.parametrize(
    "module",
    [
        "gateway.__main__",
        "post_index_service.__main__",
        "user_tower_service.__main__",
        "embedded.__main__",
        "rpc.probe",
    ],
)
def test_a_process_without_torch_does_not_load_it(module: str) -> None:
    assert not loaded_by(module) & {"torch", "transformers", "pandas"}
    assert module.split(".", maxsplit=1)[0] in loaded_by(module)


@pytest.mark.parametrize("package", SERVING)
def test_serving_reads_the_wall_clock_which_may_jump_in_one_place_only(package: str) -> None:
    for path in files_of(package):
        reads_it = bool(WALL_CLOCK.search(path.read_text(encoding="utf-8")))
        assert reads_it == (path == MAY_READ_THE_WALL_CLOCK), path


def test_of_what_serving_loads_only_the_models_in_torch_import_it() -> None:
    found = {path for package in ("bundle", "mood_encoder", "two_tower") for path in files_of(package)}
    assert {str(path.relative_to(ROOT)) for path in found if asks_for_torch(path)} == NEEDS_TORCH


def test_to_name_a_runtime_loads_none() -> None:
    assert not loaded_by("mood_encoder.runtime") & {"torch", "openvino"}


def test_of_the_user_tower_only_the_runtime_may_ask_for_torch_and_only_when_it_is_called() -> None:
    assert [path for path in files_of("user_tower_service") if asks_for_torch(path)] == [MAY_ASK_FOR_TORCH]
    assert not any(
        isinstance(node, ast.Import | ast.ImportFrom) and "torch" in ast.unparse(node)
        for node in ast.parse(MAY_ASK_FOR_TORCH.read_text(encoding="utf-8")).body
    )


def test_the_user_tower_answers_through_openvino_without_torch(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from bundle.directory import open_bundle
from user_tower_service.encoder import Encoder
from user_tower_service.post_encoder import PostContent
from user_tower_service.settings import Settings

bundle = open_bundle(Path({str(write_tiny_bundle(tmp_path))!r}))
encoder = Encoder(bundle, mood_cache_size=1, runtime=Settings().runtime)
context = encoder.encode_context("ana", "calm")
assert context.user and context.mood and encoder.encode_posts([PostContent(1, "one", "two", 2)])
print(sorted({{"torch", "transformers", "pandas"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


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
    generated = {path.relative_to(tmp_path): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.py*")}
    committed = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8")
        for path in (ROOT / "moodfeed").rglob("*_pb2*")
        if path.suffix in {".py", ".pyi"}
    }
    assert generated == committed, "run `make protos`"


def test_the_comments_of_the_openapi_document_are_those_of_the_proto(tmp_path: Path) -> None:
    written = tmp_path / "comments.py"
    script = ROOT / "scripts" / "write_contract_comments.py"
    subprocess.run([sys.executable, script, written], check=True, timeout=60)
    committed = ROOT / "moodfeed" / "feed" / "v1" / "feed_comments.py"
    assert written.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8"), "run `make protos`"


def test_the_protos_pass_buf_lint() -> None:
    buf = Path(sys.executable).parent / "buf"
    done = subprocess.run([buf, "lint"], cwd=ROOT / "protos", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_protos_break_no_caller_of_the_last_release() -> None:
    buf, contract = Path(sys.executable).parent / "buf", ROOT / "tests" / "golden" / "contract.binpb"
    done = subprocess.run(
        [buf, "breaking", "--against", contract],
        cwd=ROOT / "protos",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("domain", "service", "base"),
    [
        ("gateway.feed_types", "gateway.edge", "FeedError"),
        ("post_index_service.search_errors", "post_index_service.service", "SearchError"),
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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    requirements = [Requirement(line) for line in lines]
    return {item.name: str(item.specifier) for item in requirements if item.name != "moodfeed"}


def pins_of_the_lock() -> dict[str, str]:
    requirements = [
        Requirement(line) for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line
    ]
    return {item.name: str(item.specifier) for item in requirements}


def test_every_dependency_is_pinned_and_the_lock_agrees() -> None:
    lock = pins_of_the_lock()
    for name, pin in pins_of_pyproject().items():
        assert re.fullmatch(r"==[\w.]+", pin), name
        assert lock[name] == pin
    assert all(re.fullmatch(r"==[\w.]+", pin) for pin in lock.values())


def test_images_are_built_from_nothing_that_may_change_under_its_name() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    stages = {line.split()[3] for line in lines if line.startswith("FROM ")}
    assert set(bases) - stages == {"${PYTHON_IMAGE}"}
    assert [
        line for line in lines if re.fullmatch(r"ARG PYTHON_IMAGE=python:3\.11\.\d+-slim@sha256:[0-9a-f]{64}", line)
    ]
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--constraint requirements.txt" in line for line in installs)


def test_the_lock_names_neither_a_local_build_nor_a_place() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(r"\+cpu|://|--|@", text)


def test_no_committed_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    marks = ("/work" + "/", "/root" + "/", "/opt" + "/pypi", "/opt" + "/wheels")
    for name in listed:
        content = (ROOT / name).read_bytes()
        assert not [mark for mark in marks if mark.encode() in content.replace(b"../shared", b"")], name
