"""Evaluate the model and every baseline on several sample worlds: one row for each world, and the means.

    python scripts/measure_sample_worlds.py --seeds 200 201 202

One world has 129 test users, too few to tell a good feed from a lucky one, so several are measured. Each is generated,
ingested, embedded and evaluated with the pipeline's defaults.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cli.sample_workspace import ingest_sample_world
from pipeline.dataset import read_dataset
from pipeline.evaluate import MODEL_NAME, Evaluation, evaluate
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace
from sample_api.world import generate_world

POPULARITY = "last-month popularity"
SEEDS = (200, 201, 202, 203, 204, 205)


def evaluate_world(seed: int, kept_in: Path | None) -> Evaluation:
    """Evaluate as ``moodfeed evaluate`` does; with ``kept_in`` ingested worlds are kept and reused."""
    with TemporaryDirectory() as scratch:
        workspace = Workspace((kept_in or Path(scratch)) / str(seed))
        if not workspace.text_embeddings.exists():
            ingest_sample_world(generate_world(seed), workspace)
        return evaluate(read_dataset(workspace.clean, workspace.text_embeddings), TrainingConfig())


def print_worlds(evaluations: dict[int, Evaluation]) -> None:
    """Print NDCG@10 of the model, of popularity and of the best baseline for each world."""
    print("| world | two-tower | last-month popularity | ratio | best baseline | coverage@10 | distinct feeds |")
    print("|---|---|---|---|---|---|---|")
    for seed, evaluation in evaluations.items():
        model, popularity = evaluation.methods[MODEL_NAME], evaluation.methods[POPULARITY]
        others = {name: found.ndcg_at_10.mean for name, found in evaluation.methods.items() if name != MODEL_NAME}
        best = max(others, key=others.__getitem__)
        print(
            f"| seed {seed} | {model.ndcg_at_10.mean:.3f} | {popularity.ndcg_at_10.mean:.3f} "
            f"| {model.ndcg_at_10.mean / popularity.ndcg_at_10.mean:.2f} | {others[best]:.3f}, {best} "
            f"| {model.coverage_at_10:.3f} | {model.distinct_feeds:.3f} |"
        )


def print_means(evaluations: dict[int, Evaluation]) -> None:
    """Print each method's mean over the worlds, and the number of worlds in which the model is ahead of it."""
    print("\n| method | NDCG@10 | Recall@10 | in category NDCG@10 | coverage@10 | two-tower ahead in |")
    print("|---|---|---|---|---|---|")
    found = list(evaluations.values())
    means = {name: np.mean([each.methods[name].ndcg_at_10.mean for each in found]) for name in found[0].methods}
    for name in sorted(means, key=means.__getitem__):
        methods = [each.methods[name] for each in found]
        ahead = sum(
            each.methods[MODEL_NAME].ndcg_at_10.mean > method.ndcg_at_10.mean
            for each, method in zip(found, methods, strict=True)
        )
        print(
            f"| {name} | {means[name]:.3f} | {np.mean([method.recall_at_10.mean for method in methods]):.3f} "
            f"| {np.mean([method.in_category_ndcg_at_10.mean for method in methods]):.3f} "
            f"| {np.mean([method.coverage_at_10 for method in methods]):.3f} "
            f"| {'' if name == MODEL_NAME else f'{ahead} of {len(found)}'} |"
        )
    ratio = means[MODEL_NAME] / means[POPULARITY]
    print(f"\nMean NDCG@10 of the model over that of last-month popularity: {ratio:.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Evaluate on several sample worlds.")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="worlds (two minutes each)")
    parser.add_argument("--keep", type=Path, help="directory to keep ingested worlds in and reuse them from")
    arguments = parser.parse_args()
    evaluations = {}
    for seed in arguments.seeds:
        print(f"world {seed} ({len(evaluations) + 1} of {len(arguments.seeds)})", flush=True)
        evaluations[seed] = evaluate_world(seed, arguments.keep)
    print_worlds(evaluations)
    print_means(evaluations)


if __name__ == "__main__":
    main()
