"""How the cost of training grows with posts and with events: the table and the plot of docs/scale.md.

    python scripts/measure_training_growth.py --directory data/growth [--other PATH]

Workspaces are made up in the directory, or reused from it. A workspace's training is measured in a process of its own:
the processor time and the wall time of each step after the first twenty, and the largest memory. ``--other`` names
another checkout of the product, whose steps are measured in turn with those of this one. The epoch is calculated: the
start, and one median step for each batch.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from pipeline.workspace import Workspace
from scripts.made_up_workspace import write_made_up_workspace

ROOT = Path(__file__).parents[1]
BY_POSTS = {"20 k posts": (20_000, 20_000, 300_000), "200 k posts": (200_000, 20_000, 300_000)}
BY_POSTS |= {"1 M posts": (1_000_000, 20_000, 300_000)}
BY_EVENTS = {"100 k events": (20_000, 10_000, 100_000), "1 M events": (50_000, 100_000, 1_000_000)}
BY_EVENTS |= {"11 M events": (200_000, 1_000_000, 11_000_000)}

# Works on earlier versions of the product too, which have no other way to be asked.
_MEASURED = """
import json, resource, statistics, sys, time
from dataclasses import replace
from pathlib import Path
from pipeline.dataset import read_dataset
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace

class Enough(Exception):
    pass

try:
    from pipeline.training_run import TrainingRun
except ImportError:
    TrainingRun = None

workspace, steps = Workspace(Path(sys.argv[1])), int(sys.argv[2])
try:
    from pipeline.suited_settings import suited_settings
    config = replace(suited_settings(workspace.clean).config, epochs=1)
except ImportError:
    config = TrainingConfig(epochs=1)
began = time.process_time()
dataset = read_dataset(workspace.clean, workspace.text_embeddings)
processor, wall = [], []

def on_batch(done, loss):
    processor.append(time.process_time())
    wall.append(time.perf_counter())
    if len(processor) > steps:
        raise Enough

try:
    train(dataset, config, **({"run": TrainingRun(on_batch=on_batch)} if TrainingRun else {"on_batch": on_batch}))
except Enough:
    pass

def median(times):
    return statistics.median(later - earlier for earlier, later in zip(times[20:], times[21:]))

print(json.dumps({
    "start_s": processor[0] - began,
    "step_ms": 1000 * median(processor),
    "wall_ms": 1000 * median(wall),
    "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "steps": round(len(dataset.pairs) * (1 - config.validation_share) / config.batch_size),
}))
"""


def measure(checkout: Path, workspace: Workspace, steps: int) -> dict[str, float]:
    """Train for some steps in a process of its own, with the code of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", _MEASURED, str(workspace.directory), str(steps)]
    ran = subprocess.run(  # noqa: S603 - this very interpreter
        command, cwd=checkout, env=environment, capture_output=True, text=True, encoding="utf-8", check=True
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def table(rows: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The measurements as Markdown; each row may hold those of another checkout beside ours."""
    lines = [
        "| data | | start, s | a step, ms of processor | a step, ms | largest memory, GiB | an epoch, min |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, by_code in rows.items():
        for code, found in by_code.items():
            epoch = (found["start_s"] + found["steps"] * found["step_ms"] / 1000) / 60
            lines.append(
                f"| {name} | {code} | {found['start_s']:.0f} | {found['step_ms']:.0f} | {found['wall_ms']:.0f} "
                f"| {found['peak_gib']:.1f} | {epoch:.1f} |"
            )
    return "\n".join(lines)


def draw(rows: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """The time of a step by posts, and the memory by events."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), dpi=140, layout="constrained")
    plots: tuple[tuple[Any, Mapping[str, Any], str, str], ...] = (
        (axes[0], BY_POSTS, "step_ms", "a step, ms of processor"),
        (axes[1], BY_EVENTS, "peak_gib", "largest memory of training, GiB"),
    )
    for axis, names, field, label in plots:
        present = [name for name in names if name in rows]
        for code, colour in (("before", "#e08a1e"), ("now", "#1b5fb4")):
            points = [(place, rows[name][code][field]) for place, name in enumerate(present) if code in rows[name]]
            axis.plot(*zip(*points, strict=True), "o-", color=colour, label=code) if points else None
        axis.set_xticks(range(len(present)), present)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(axis="y", color="#dddddd")
        axis.legend()
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Measure, print the table and draw the plot."""
    parser = argparse.ArgumentParser(description="Measure how training grows.")
    parser.add_argument("--directory", type=Path, default=Path("data/growth"), help="where workspaces are kept")
    parser.add_argument("--other", type=Path, help="another checkout to measure beside this one")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--only", nargs="+", default=[*BY_POSTS, *BY_EVENTS], help="data sets to measure")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "training-growth.png")
    options = parser.parse_args()
    measured = options.directory / "measured.json"
    rows: dict[str, dict[str, dict[str, float]]] = (
        json.loads(measured.read_text(encoding="utf-8")) if measured.exists() else {}
    )
    for name in options.only:
        posts, users, events = (BY_POSTS | BY_EVENTS)[name]
        workspace = Workspace(options.directory / name.replace(" ", "-"))
        if not workspace.text_embeddings.exists():
            write_made_up_workspace(workspace, posts=posts, users=users, events=events)
        codes = {"before": options.other, "now": ROOT} if options.other else {"now": ROOT}
        for code, checkout in codes.items():
            rows.setdefault(name, {})[code] = measure(checkout.resolve(), workspace, options.steps)
            print(name, code, rows[name][code], flush=True)
        measured.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(table(rows))
    draw(rows, options.plot)


if __name__ == "__main__":
    main()
