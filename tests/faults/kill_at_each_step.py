"""Run each operation on a bundles' root again and again, kill -9 it at each of its steps, and look at what is left.

    python -m tests.faults.kill_at_each_step DIRECTORY [OPERATION]

prints a JSON line an operation: how often it was killed, and every complaint. A step is a call that changes the file
system, or one that syncs; a first series of kills strikes in the middle of a file, by a limit on file sizes whose
signal is deadly. Each attempt is a fork, so that hundreds take seconds.
"""

import json
import os
import re
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bundle.directory import current_bundle, open_bundle, point_current_at
from bundle.manifest import BundleError
from bundle.root_lock import LOCK_NAME
from pipeline.publish import publish, roll_back, write_and_publish
from tests.tiny_bundle import MANIFEST, tiny_files, write_tiny_bundle

CHANGES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.truncate"}
SIZES = (0, 1, 200, 1_000, 5_000)  # bytes; the tiny bundle's files are between 2 and 9,000 long


@dataclass(frozen=True, slots=True)
class Operation:
    """``prepare`` makes a root and ``run`` changes it so that the bundle ``new`` is current; ``kept`` are left then."""

    prepare: Callable[[Path], None]
    run: Callable[[Path], object]
    new: str
    kept: frozenset[str]


def main() -> None:
    os.fsync = lambda descriptor: None  # a kill loses nothing that a sync would have kept, and syncs take long
    directory, *wanted = sys.argv[1:]
    for name, operation in operations(Path(directory)).items():
        if not wanted or name in wanted:
            print(json.dumps({"operation": name} | kill_at_each_step(operation, Path(directory))), flush=True)


def kill_at_each_step(operation: Operation, directory: Path) -> dict[str, object]:
    template, root = directory / "template", directory / "root"
    shutil.rmtree(template, ignore_errors=True)
    template.mkdir()
    operation.prepare(template)
    kills = loads = answered = 0
    complaints: list[str] = []
    for place, cause in attempts():
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root, symlinks=True)
        before = target_of(root / "current")
        was_killed = run_and_kill(operation, root, cause)
        kills += was_killed
        found = complaints_about(root, before=before, new=operation.new)
        loads += 1
        answered += not found
        operation.run(root)
        found += complaints_about_recovery(root, operation)
        complaints += [f"killed at {place}: {text}" for text in found]
        if not was_killed and place.startswith("step"):
            break
    return {"kills": kills, "loads": loads, "answered": answered, "complaints": complaints}


def operations(directory: Path) -> dict[str, Operation]:
    elsewhere = directory / "elsewhere"
    ids = [write_tiny_bundle(elsewhere, seed=seed).name for seed in range(4)]
    a, b, c, d = ids

    def bundles(*wanted: str, current: str = "", previous: str = "") -> Callable[[Path], None]:
        def prepare(root: Path) -> None:
            for bundle_id in wanted:
                shutil.copytree(elsewhere / bundle_id, root / bundle_id)
            for bundle_id in (previous, current):
                if bundle_id:
                    point_current_at(root, bundle_id)

        return prepare

    def with_damage(root: Path) -> None:
        bundles(a, b, current=a)(root)
        (root / b / "words.jsonl").write_bytes(b"damaged")

    def with_debris(root: Path) -> None:
        bundles(a, current=a)(root)
        shutil.copytree(elsewhere / c, root / ".incomplete-of-a-crash")
        (root / ".current-1").symlink_to(c)
        (root / ".previous-1").symlink_to(c)

    def export(root: Path) -> object:
        return write_and_publish(root, MANIFEST, write_files=tiny_files(1), sidecar={"created_at": "2026-02-02"})

    return {
        "first export": Operation(lambda root: None, export, b, frozenset({b})),
        "export": Operation(bundles(a, current=a), export, b, frozenset({a, b})),
        "export over a damaged copy": Operation(with_damage, export, b, frozenset({a, b})),
        "export over the debris of a crash": Operation(with_debris, export, b, frozenset({a, b})),
        "publish": Operation(bundles(a, b, current=a), lambda root: publish(root, root / b), b, frozenset({a, b})),
        "publish from elsewhere": Operation(
            bundles(a, current=a), lambda root: publish(root, elsewhere / b), b, frozenset({a, b})
        ),
        "publish and remove old ones": Operation(
            bundles(a, b, c, d, current=a, previous=c),
            lambda root: publish(root, root / b, keep=1),
            b,
            frozenset({a, b}),
        ),
        "rollback": Operation(
            bundles(a, b, current=a, previous=b), lambda root: roll_back(root, root / b), b, frozenset({a, b})
        ),
    }


def attempts() -> "list[tuple[str, Callable[[], None]]]":
    in_files = [(f"the {size:,}th byte of a file", lambda size=size: kill_in_files_beyond(size)) for size in SIZES]
    at_steps = [(f"step {number}", lambda number=number: kill_at_step(number)) for number in range(1, 2_000)]
    return [*in_files, *at_steps]


def run_and_kill(operation: Operation, root: Path, cause: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # only an exit code is waited for
        cause()
        operation.run(root)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGKILL, signal.SIGXFSZ}:
        return True
    if status != 0:
        raise SystemExit(f"the operation ended with status {status} in place of a kill")
    return False


def kill_at_step(number: int) -> None:
    """Die just before the call of this number that changes the file system or syncs it."""
    remaining = number

    def count() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & writes):
            count()

    os.fsync = lambda descriptor: count()
    sys.addaudithook(hook)


def kill_in_files_beyond(size: int) -> None:
    """Die when a file is about to grow beyond a size in bytes, with that much of it written."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def complaints_about(root: Path, *, before: str, new: str) -> list[str]:
    """Whether what a process would load right after the kill is the old bundle or the new, whole."""
    found = []
    try:
        current = open_bundle(current_bundle(root)).bundle_id
    except BundleError as error:
        current = ""
        if before or os.path.lexists(root / "current"):
            found.append(f"current does not load: {error}")
    if current not in {before, new}:
        found.append(f"current is {current}")
    for path in root.iterdir():
        name = target_of(path) if path.name == "previous" else path.name
        if re.fullmatch("[0-9a-f]{64}", name) and not is_damaged_from_the_start(root / name):
            try:
                open_bundle(root / name)
            except BundleError as error:
                found.append(f"{path.name} shows and does not load: {error}")
    return found


def complaints_about_recovery(root: Path, operation: Operation) -> list[str]:
    found = []
    if open_bundle(current_bundle(root)).bundle_id != operation.new:
        found.append("the next run does not make it current")
    left = {path.name for path in root.iterdir()} - {LOCK_NAME, "current", "previous"}
    if not operation.kept <= left:
        found.append(f"the next run loses {sorted(operation.kept - left)}")
    if any(not re.fullmatch("[0-9a-f]{64}", name) for name in left):
        found.append(f"the next run leaves {sorted(left)}")
    for name in left:
        open_bundle(root / name)
    return found


def is_damaged_from_the_start(directory: Path) -> bool:
    words = directory / "words.jsonl"
    return words.is_file() and words.read_bytes() == b"damaged"


def target_of(link: Path) -> str:
    return link.readlink().name if link.is_symlink() else ""


if __name__ == "__main__":
    main()
