"""Every command block of the README and the docs does what it says.

A block is run here from its first line to its last, in an empty directory, against the small bundle. A line that needs
what a test run cannot give stands in ELSEWHERE, with what runs it instead.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.processes import NO_TLS
from tests.end_to_end.conftest import Running, free_addresses, running_product
from tests.microlens_files import USERNAME, write_microlens_files

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
ELSEWHERE = {
    "make test": "this is it",
    "moodfeed train --processes": "make test-scale: tests/scale/training runs it, stops and kills it",
    "--nproc-per-node": "make test-scale: tests/scale/training",
    "--to s3://": "make test-scale: tests/scale/buckets, against a real server",
    "python -m bundle_sync": "make test-scale: tests/scale/buckets",
    "AWS_ACCESS_KEY_ID": "make test-scale: tests/scale/buckets",
    "make client-protos": "tests/clients/test_client_contract.py compares what it writes, and needs no Node",
    "make protos": "the same, and tests/house/test_house_rules.py for the server's code",
    "make run": "tests/end_to_end/test_run.py runs `moodfeed run`, which is what the target does after the set-up",
    "make demo-live": "tests/end_to_end/test_demo_live.py runs its script",
    ".venv/bin/moodfeed open": "tests/end_to_end/test_run.py, with a browser and without one",
    ".venv/bin/moodfeed watch": "tests/end_to_end/test_watch.py, in a terminal and in a pipe: it stays up",
    "make-password secrets/store-password": "make test-compose",
    "docker compose up --build --wait": "make test-compose",
    "docker-compose.secure.yml": "make test-compose; test_trust.py has its settings without an engine",
    "docker-compose.observability.yml": "its images cannot be had here; make test-observability reads its files",
    "prometheus --config.file": "it stays up; make test-observability runs a Prometheus",
    "scripts.write_dashboards": "tests/observability/test_written_files.py holds the files equal to what it writes",
    "tests.observability.measure_counting": "two minutes, and a quiet machine",
    "apt-get install": "it changes the machine",
    "docker-compose.replicas.yml": "make test-compose",
    "docker-compose.shards.yml": "make test-compose; tests/shards runs the same processes without an engine",
    "benchmarks.scale.shards": "minutes; tests/benchmarks/test_scale_shards.py runs it on few posts",
    "docker-compose.torch.yml": "make test-compose",
    "docker compose run --rm bundle": "make test-compose",
    "--authority secrets": "test_trust.py, against a stack with certificates",
    "cacert secrets": "test_trust.py, against a stack with certificates",
    "export MOODFEED_UPSTREAM_URL": "needs the secrets of the real API",
    ".venv/bin/moodfeed build": "needs the real API; conftest.py runs the same stages over the sample API",
    ".venv/bin/moodfeed validate": "needs clean tables; tests/pipeline/test_validate.py runs it on some",
    ".venv/bin/moodfeed forget": "needs stored data; tests/pipeline/test_forget.py runs it on some",
    ".venv/bin/moodfeed run --data data/own": "it makes a bundle first, which test_import.py does",
    ".venv/bin/moodfeed refresh": "needs a bundle of its own tables; tests/pipeline/test_refresh.py runs it on some",
    "--profile refresh": "runs for ever; tests/pipeline/test_refresh.py runs the same command in a process",
    ".venv/bin/moodfeed rollback": "needs two bundles; tests/cli/test_bundle_commands.py has them",
    "benchmarks.recording": "most of a minute; tests/benchmarks/test_recording.py runs its parts",
    "moodfeed[milvus]": "make lock and the Makefile install what it names",
    "--milvus http": "make test-scale: its tests publish bundles to a real server",
    "MOODFEED_POST_INDEX_ENGINE=milvus": "make test-scale: its tests serve bundles from a real server",
    "scripts.write_golden contract": "at a release: it replaces what the next change is compared with",
    "post_index.v1.PostIndexService/SearchPosts": "abridged; test_foreign_clients.py passes one answer on to the next",
}
STAYS_UP = re.compile(r"moodfeed (run|serve)\b")
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one ```sh block, and where it stands."""

    document: Path
    number: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.number}"


def blocks() -> Iterator[Block]:
    for document in DOCUMENTS:
        for number, text in enumerate(
            re.findall(r"^```sh\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE), start=1
        ):
            lines = tuple(line for line in text.splitlines() if line.strip())
            yield Block(document, number, lines)


def reason_to_run_elsewhere(line: str) -> str | None:
    return next((mark for mark in ELSEWHERE if mark in line), None)


def runnable_blocks() -> list[Block]:
    found = [
        Block(block.document, block.number, tuple(line for line in block.lines if not reason_to_run_elsewhere(line)))
        for block in blocks()
    ]
    return [block for block in found if block.lines]


@pytest.fixture(scope="module")
def running(small_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` starts."""
    logs = tmp_path_factory.mktemp("run")
    with running_product(small_bundles, logs, embedded=False, is_for_one_person=True) as product:
        yield product


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In place of the checkout: what one block writes, a later one of the same page may read."""
    directory = tmp_path_factory.mktemp("documents")
    (directory / ".venv").symlink_to(BIN.parent)
    (directory / "configs").symlink_to(ROOT / "configs")
    write_microlens_files(directory / "PATH")
    return directory


@pytest.mark.parametrize("block", runnable_blocks(), ids=str)
def test_a_command_block_works(running: Running, small_bundles: Path, directory: Path, block: Block) -> None:
    environment = os.environ | {
        "MOODFEED_BUNDLES": str(small_bundles),
        "MOODFEED_GATEWAY_GRPC_ADDRESS": running.addresses.gateway_grpc,
    }
    lines = [in_this_run(line, running) for line in block.lines]
    if any(STAYS_UP.search(line) for line in lines):
        run_with_a_stack_of_its_own(lines, directory, small_bundles)
        return
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip() or done.stderr.strip(), line


def in_this_run(line: str, running: Running) -> str:
    """The line with the placeholders filled and the addresses moved."""
    return (
        line.replace("similar 1843", f"similar {int(running.posts.post_ids[0])}")
        .replace("--category 2", f"--category {running.largest_category()}")
        .replace("curl -s 'http", "curl -sf 'http")
        .replace("127.0.0.1:50050", running.addresses.gateway_grpc)
        .replace("127.0.0.1:50051", running.addresses.user_tower)
        .replace("127.0.0.1:8000", running.addresses.gateway_http)
        .replace("USERNAME", shlex.quote(running.busiest_username()).strip("'"))
        .replace("BUNDLE_ID", running.bundle.bundle_id)
        .replace("22749", USERNAME)
        .replace('"category_id": 7', '"category_id": 2')
    )


def run_with_a_stack_of_its_own(lines: list[str], directory: Path, bundles: Path) -> None:
    """Run the lines before the one that stays up, start it, run the others against it, and stop it with Ctrl-C."""
    addresses = free_addresses()
    environment = os.environ | {
        "MOODFEED_BUNDLES": str(bundles),
        **addresses.as_environment(),
        "MOODFEED_USER_TOWER_METRICS_PORT": "0",
        "MOODFEED_POST_INDEX_METRICS_PORT": "0",
    }
    stack: subprocess.Popen[str] | None = None
    try:
        for line in lines:
            if STAYS_UP.search(line):
                stack = subprocess.Popen(
                    shlex.split(line), cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True,
                )  # fmt: skip
                wait_until_ready(stack, addresses.gateway_http)
                continue
            command = re.sub(r"127\.0\.0\.1:\d+ moodfeed\.feed", f"{addresses.gateway_grpc} moodfeed.feed", line)
            done = subprocess.run(
                ["bash", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, timeout=280,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    finally:
        if stack is not None:
            stack.send_signal(signal.SIGTERM)  # as Ctrl-C, which a shell in the background makes its children ignore
            output, _ = stack.communicate(timeout=60)
    assert stack is not None
    assert stack.returncode == 0, output


def wait_until_ready(stack: subprocess.Popen[str], http_address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if stack.poll() is not None:
            pytest.fail(f"it ended with exit code {stack.returncode}: {stack.communicate()[0]}")
        try:
            if httpx.get(f"http://{http_address}/readyz", timeout=1, verify=NO_TLS).json()["status"] == "ready":
                return
        except (httpx.HTTPError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail(f"not ready after {START_SECONDS} s")


def test_every_reason_to_run_a_line_elsewhere_is_still_needed() -> None:
    used = {mark for block in blocks() for line in block.lines if (mark := reason_to_run_elsewhere(line))}
    assert used == set(ELSEWHERE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        linked = (document.parent / name).resolve() if name else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors_of(linked), target


def anchors_of(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


def test_every_variable_is_one_that_a_process_reads() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/*.py"))
    compose = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*.yml"))
    for document in DOCUMENTS:
        for variable in set(re.findall(r"MOODFEED_[A-Z_]+[A-Z]", document.read_text(encoding="utf-8"))):
            assert f"`{variable}`" in settings or f'"{variable}"' in source or variable in compose, (document, variable)
