"""Break the code that decides what people see in many small ways, and see whether a test notices each.

    python scripts/mutants.py --count 160 --seed 14

A mutant is one file with one change at a seeded random place: another operator, another number, a condition turned
round. Each is tested by the tests that concern its file, the quickest first, in a copy of the tree. A mutant is caught
if a test fails or runs out of time. Survivors that change nothing that anybody could see stand in
``mutants_equivalent.toml`` with the reason; of all others at least 95 % must be caught. Signatures, annotations and
decorators are left out, and operators that no number has (a mutant there breaks at once, which proves nothing).
"""

import argparse
import ast
import compileall
import contextlib
import json
import math
import multiprocessing
import os
import py_compile
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "scripts" / "mutants_equivalent.toml"
_BY_HAND = "tests/pipeline/by_hand"
_GATEWAY = "tests/gateway"
_INDEX = "tests/post_index_service"

TESTS: dict[str, tuple[str, ...]] = {
    "pipeline/training_examples.py": (f"{_BY_HAND}/test_training_examples.py",),
    "pipeline/losses.py": (f"{_BY_HAND}/test_losses.py",),
    "pipeline/train.py": (f"{_BY_HAND}/test_training.py",),
    "pipeline/held_out.py": (f"{_BY_HAND}/test_training.py",),
    "pipeline/row_optimizer.py": ("tests/pipeline/test_row_optimizer.py",),
    "pipeline/pairs.py": ("tests/pipeline/test_pairs.py",),
    "two_tower/past_popularity.py": ("tests/two_tower/test_past_popularity.py",),
    "pipeline/baselines.py": (f"{_BY_HAND}/test_baselines.py",),
    "pipeline/splits.py": (f"{_BY_HAND}/test_splits.py",),
    "pipeline/ranking.py": (f"{_BY_HAND}/test_ranking.py",),
    "pipeline/crowd_baselines.py": (f"{_BY_HAND}/test_baselines.py",),
    "pipeline/popularity.py": (f"{_BY_HAND}/test_baselines.py", f"{_BY_HAND}/test_popularity.py"),
    "pipeline/judged_split.py": (f"{_BY_HAND}/test_judged_split.py",),
    "pipeline/paired_bootstrap.py": (f"{_BY_HAND}/test_paired_bootstrap.py",),
    "pipeline/pooling.py": (f"{_BY_HAND}/test_pooling.py",),
    **dict.fromkeys(
        ("gateway/feed.py", "gateway/feed_page.py", "gateway/token_life.py"),
        (
            f"{_GATEWAY}/test_feed.py",
            f"{_GATEWAY}/test_feed_limits.py",
            f"{_GATEWAY}/test_remembered_feed.py",
            f"{_GATEWAY}/test_feed_as_of.py",
            f"{_GATEWAY}/test_feed_filters.py",
            f"{_GATEWAY}/test_pages_of_posts.py",
            f"{_GATEWAY}/test_similar.py",
            f"{_GATEWAY}/test_trending.py",
            f"{_GATEWAY}/test_exploration.py",
        ),
    ),
    "gateway/restarted_feed.py": (f"{_GATEWAY}/test_restarted_feed.py",),
    "rpc/attempts.py": ("tests/rpc/test_attempts.py",),
    "post_index_service/ranking.py": (
        f"{_INDEX}/test_ranking.py",
        f"{_INDEX}/test_layered_ranking.py",
        f"{_INDEX}/test_trends.py",
        f"{_INDEX}/test_filters.py",
        f"{_INDEX}/test_exactness.py",
    ),
    "post_index_service/popular_orders.py": (
        f"{_INDEX}/test_popular_orders.py",
        f"{_INDEX}/test_ranking.py",
        f"{_INDEX}/test_trends.py",
        f"{_INDEX}/test_filters.py",
    ),
    "post_index_service/orders.py": (
        f"{_INDEX}/test_orders.py",
        f"{_INDEX}/test_index.py",
        f"{_INDEX}/test_filters.py",
        f"{_INDEX}/test_exactness.py",
    ),
    "post_index_service/layered_ranking.py": (
        f"{_INDEX}/test_layered_ranking.py",
        f"{_INDEX}/test_live_state_machine.py",
    ),
    "post_index_service/ruled_rows.py": (f"{_INDEX}/test_ruled_rows.py", f"{_INDEX}/test_live_state_machine.py"),
    "post_index_service/filtered_scans.py": (f"{_INDEX}/test_filtered_scans.py", f"{_INDEX}/test_filters.py"),
}
"""By file, the tests that must notice what is broken in it."""

_NOT_DRAWN = {
    "core/RemoveDecorator",  # breaks at import
    "core/VariableInserter",  # of variables that somebody must name
    "core/VariableReplacer",
}
_ARITHMETIC, _OF_BITS = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}, {"BitOr", "BitAnd", "BitXor"}
_FEWEST_A_FILE = 10
_FEWEST_CAUGHT = 0.95
_SHORTEST_TIMEOUT_SECONDS = 30.0
_TIMEOUT_FACTOR = 4.0  # of what the tests take when nothing is broken
_WAITING_FACTOR = 4.0  # of the timeout: for tests that wait and use no processor, also on a busy machine
_NO_TEST_FAILED, _TESTS_FAILED, _INTERRUPTED = 0, 1, 2  # pytest's exit statuses; an import that fails gives the last

# Each test run is forked from a process that has loaded the libraries: loading them takes longer than most tests.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        *("__main__", "anyio.pytest_plugin", "faiss", "grpc", "hypothesis.stateful", "implicit.als", "implicit.bpr"),
        *("onnx", "openvino", "pandas", "pyarrow.parquet", "pydantic", "sqlalchemy", "torch", "xdist.plugin"),
    ]
)

_INERT = {"name", "string", "newline", "endmarker"}  # nodes that no operator applies to: most of a source
_MARKS = {*".,:()[]{}=", "->"}

Position = tuple[int, int]  # line, column


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: ``before`` and ``after`` are the lines that differ, without their indentation."""

    file: str
    line: int
    operator: str
    before: str
    after: str
    code: str

    def is_described_by(self, entry: Mapping[str, str]) -> bool:
        """Whether an entry of the list of equivalent mutants means this one; where in the file it is, may change."""
        return (self.file, self.before, self.after) == (entry["file"], entry["before"], entry["after"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: ``fate`` is caught, caught at import, timed out, survived or equivalent."""

    mutant: Mutant
    fate: str
    reason: str  # of an equivalent one
    seconds: float

    @property
    def is_caught(self) -> bool:
        """Whether a test noticed."""
        return self.fate not in {"survived", "equivalent"}


def draw(count: int, *, seed: int, only: Sequence[str] = ()) -> list[Mutant]:
    """About ``count`` mutants at different places, each file's share by its length but ten at least."""
    places = {file: places_of((ROOT / file).read_text(encoding="utf-8")) for file in TESTS}
    total = sum(map(len, places.values()))
    mutants = []
    for file in [file for file in TESTS if not only or file in only]:
        source = (ROOT / file).read_text(encoding="utf-8")
        chance = random.Random(f"{seed} {file}")  # noqa: S311 - a file's draw does not hang on the other files
        share = max(_FEWEST_A_FILE, round(count * len(places[file]) / total))
        positions = sorted(places[file])
        for position in chance.sample(positions, min(share, len(positions))):
            candidates = places[file][position]
            for operator, occurrence in chance.sample(candidates, len(candidates)):
                mutant = _mutant(file, source, position, operator, occurrence)
                if mutant is not None:
                    mutants.append(mutant)
                    break
    return mutants


def places_of(source: str) -> dict[Position, list[tuple[str, int]]]:
    """Where a source can be broken and how: (operator, occurrence) by position, without declarations."""
    spared = list(_declarations(ast.parse(source)))
    nodes = [node for node in ast_nodes(get_ast(source)) if node.type not in _INERT and node.get_code() not in _MARKS]
    places: dict[Position, list[tuple[str, int]]] = defaultdict(list)
    for name in filter(_is_drawn, operator_names()):
        operator = get_operator(name)()
        found = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, start in enumerate(found):
            if not any(first <= start < last for first, last in spared):
                places[start].append((name, occurrence))
    return places


def _is_drawn(operator: str) -> bool:
    """Whether an operator of the library can make a mutant that runs."""
    kind, *between = operator.split("_")
    if kind == "core/ReplaceBinaryOperator":
        return {*between} <= _ARITHMETIC or {*between} <= _OF_BITS
    return operator not in _NOT_DRAWN


def _declarations(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """The spans of decorators and signatures, apart from default values, and of the annotations of variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield _start(node.annotation), _end(node.annotation)
        elif isinstance(node, ast.ClassDef):
            yield from ((_start(decorator), _end(decorator)) for decorator in node.decorator_list)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
            start = min(map(_start, [node, *node.decorator_list]))
            for default in sorted(defaults, key=_start):
                yield start, _start(default)
                start = _end(default)
            yield start, _start(node.body[0])


def _start(node: ast.expr | ast.stmt) -> Position:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> Position:
    return node.end_lineno or 0, node.end_col_offset or 0


def _mutant(file: str, source: str, position: Position, operator: str, occurrence: int) -> Mutant | None:
    """The mutant, unless it is no Python or the same as the source."""
    code = mutate_code(source, get_operator(operator)(), occurrence)
    try:
        if code is None or ast.unparse(ast.parse(code)) == ast.unparse(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    before, after = source.splitlines(), code.splitlines()
    differing = [number for number, lines in enumerate(zip(before, after, strict=True)) if lines[0] != lines[1]]
    number = differing[0]
    return Mutant(file, position[0], operator, before[number].strip(), after[number].strip(), code)


def copy_tree(target: Path) -> None:
    """The files of the checkout that git knows or would know, as they are now, compiled."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    # Bytecode that goes by the content: two mutants of a second and of one size would look the same to the usual one.
    compileall.compile_dir(target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def run_tests(tree: Path, tests: Sequence[str], *, timeout: float) -> int | None:
    """The exit status of the tests in a copy of the tree; None if they ran out of time.

    ``timeout`` is in seconds of the processor, which other work on the machine does not shorten.
    """
    process = _PROCESSES.Process(target=_run_tests_here, args=(tree, tests, math.ceil(timeout)))
    process.start()
    process.join(_WAITING_FACTOR * timeout)
    is_over = process.exitcode in {None, -signal.SIGXCPU}
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.ident or 0, signal.SIGKILL)  # and what a test has started
    process.join()
    return None if is_over else process.exitcode


def _run_tests_here(tree: Path, tests: Sequence[str], timeout: int) -> None:
    """Runs in a process of its own, which has loaded the libraries and nothing of ours."""
    os.setsid()  # so that what a test has started ends with it
    resource.setrlimit(resource.RLIMIT_CPU, (timeout, timeout + 1))
    with Path(os.devnull).open("r+b") as nothing:
        for stream in range(3):
            os.dup2(nothing.fileno(), stream)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--rootdir", str(tree)]  # loads slowly
    # Nobody reads why a test failed. The profile has no deadlines, and the same examples for every mutant.
    options += ["--assert=plain", "--tb=no", "--hypothesis-profile=ci"]
    for test in tests:  # one by one: to load a file of tests can take longer than the quick ones before it
        status = pytest.main([*options, "--confcutdir", str((tree / test).parent), test])
        if status != _NO_TEST_FAILED:
            sys.exit(status)


def try_mutant(tree: Path, mutant: Mutant, *, timeout: float, equivalent: Sequence[Mapping[str, str]]) -> Outcome:
    """Test one mutant in a copy of the tree, which is whole again afterwards."""
    started = time.monotonic()
    path = tree / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.code, encoding="utf-8")
    try:
        status = run_tests(tree, TESTS[mutant.file], timeout=timeout)
    finally:
        path.write_text(whole, encoding="utf-8")
    fates = {_NO_TEST_FAILED: "survived", _TESTS_FAILED: "caught", _INTERRUPTED: "caught at import", None: "timed out"}
    if status not in fates:
        raise RuntimeError(f"pytest ended with status {status} on {TESTS[mutant.file]}")
    reason = next((entry["reason"] for entry in equivalent if mutant.is_described_by(entry)), "")
    fate = "equivalent" if status == _NO_TEST_FAILED and reason else fates[status]
    return Outcome(mutant, fate, reason if fate == "equivalent" else "", time.monotonic() - started)


def try_all(mutants: Sequence[Mutant], equivalent: Sequence[Mapping[str, str]], *, at_once: int) -> list[Outcome]:
    """Test every mutant, ``at_once`` at a time; RuntimeError if the tests fail though nothing is broken."""
    with TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        trees: Queue[Path] = Queue()
        for number in range(at_once):
            copy_tree(Path(name) / str(number))
            trees.put(Path(name) / str(number))

        def whole(file: str) -> tuple[str, float]:
            tree, started = trees.get(), time.monotonic()
            try:
                status = run_tests(tree, TESTS[file], timeout=600.0)
            finally:
                trees.put(tree)
            if status != _NO_TEST_FAILED:
                raise RuntimeError(f"{', '.join(TESTS[file])} fail though nothing is broken: status {status}")
            return file, max(_SHORTEST_TIMEOUT_SECONDS, _TIMEOUT_FACTOR * (time.monotonic() - started))

        timeouts = dict(pool.map(whole, sorted({mutant.file for mutant in mutants})))

        def broken(mutant: Mutant) -> Outcome:
            tree = trees.get()
            try:
                return try_mutant(tree, mutant, timeout=timeouts[mutant.file], equivalent=equivalent)
            finally:
                trees.put(tree)

        outcomes = []
        for done in as_completed([pool.submit(broken, mutant) for mutant in mutants]):
            outcome = done.result()
            outcomes.append(outcome)
            mutant = outcome.mutant
            print(f"{len(outcomes):4}/{len(mutants)}  {outcome.fate:16} {mutant.file}:{mutant.line}", flush=True)
            if not outcome.is_caught:
                print(f"{'':14}- {mutant.before}\n{'':14}+ {mutant.after}", flush=True)
    return sorted(outcomes, key=lambda outcome: (outcome.mutant.file, outcome.mutant.line, outcome.mutant.after))


def score_of(outcomes: Sequence[Outcome]) -> float:
    """The share of caught mutants among those that change what the code does."""
    counted = [outcome for outcome in outcomes if outcome.fate != "equivalent"]
    return sum(outcome.is_caught for outcome in counted) / max(len(counted), 1)


def table(outcomes: Sequence[Outcome]) -> str:
    """Fates by file, then each survivor, in Markdown."""
    fates = ("caught", "caught at import", "timed out", "survived", "equivalent")
    lines = ["| file | mutants | " + " | ".join(fates) + " | score |", "|---|" + "---:|" * (len(fates) + 2)]
    files = sorted({outcome.mutant.file for outcome in outcomes})
    for name, chosen in [(file, [item for item in outcomes if item.mutant.file == file]) for file in files] + [
        ("all", list(outcomes))
    ]:
        counts = [str(sum(outcome.fate == fate for outcome in chosen)) for fate in fates]
        lines.append(f"| {name} | {len(chosen)} | {' | '.join(counts)} | {100 * score_of(chosen):.1f} % |")
    for fate in ("survived", "equivalent"):
        chosen = [outcome for outcome in outcomes if outcome.fate == fate]
        lines += ["", f"{fate.capitalize()}: {len(chosen)}", ""]
        for outcome in chosen:
            mutant = outcome.mutant
            lines.append(
                f"- {mutant.file}:{mutant.line} `{mutant.before}` → `{mutant.after}` {outcome.reason}".rstrip()
            )
    return "\n".join(lines) + "\n"


def read_equivalent() -> list[dict[str, str]]:
    """The mutants that are known to change nothing: file, before, after and reason of each."""
    entries: list[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]
    return entries


def main() -> int:
    """Draw, test, write what came of it; 1 if too many survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=160, help="about how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=14, help="of the draw (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=2, help="mutants tested at a time (default: %(default)s)")
    parser.add_argument("--only", nargs="+", default=(), choices=sorted(TESTS), help="break these files alone")
    parser.add_argument("--output", type=Path, default=ROOT / "data", help="directory of mutants.json and mutants.md")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # runs share the processor
    mutants = draw(arguments.count, seed=arguments.seed, only=arguments.only)
    outcomes = try_all(mutants, read_equivalent(), at_once=arguments.at_once)
    score, text = score_of(outcomes), table(outcomes)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = [
        {key: value for key, value in asdict(outcome.mutant).items() if key != "code"}
        | {"fate": outcome.fate, "reason": outcome.reason, "seconds": round(outcome.seconds, 1)}
        for outcome in outcomes
    ]
    document = {"seed": arguments.seed, "count": len(rows), "score": score, "mutants": rows}
    (arguments.output / "mutants.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (arguments.output / "mutants.md").write_text(text, encoding="utf-8")
    print(f"\n{text}")
    return 0 if score >= _FEWEST_CAUGHT else 1


if __name__ == "__main__":
    sys.exit(main())
