"""Judge the model and its baselines on sample worlds, beside the goals: six months of each world, all pooled.

    python -m scripts.measure_ranking [SEED ...]

Without seeds it takes 301 to 306. For each world it generates and ingests the data, and runs what `moodfeed evaluate`
and `moodfeed evaluate --live` run; about two minutes a world on a quiet core. The settings of the blend were chosen on
the worlds 22 to 26, so other seeds judge. The ratios are of means: of a case of the frozen evaluation, and of a month
of the live one, each month weighing alike.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from cli.sample_workspace import ingest_sample_world
from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluate import evaluate
from pipeline.evaluation import EVERYBODY, MODEL_NAME, NEW, OURS, TOWER_NAME, WITH_A_HISTORY, Evaluation, fraction
from pipeline.live_evaluation.evaluate_live import evaluate_live
from pipeline.live_evaluation.live_results import Asked, LiveEvaluation
from pipeline.live_evaluation.variants import Variant
from pipeline.month_towers import kept_towers
from pipeline.train import train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace
from sample_api.world import generate_world

SEEDS = tuple(range(301, 307))
MONTHS = 6
POPULAR, TREND = "last-month popularity", "trend of 7 days"
GROUPS = (EVERYBODY, NEW, WITH_A_HISTORY)


def judged(seed: int, directory: Path) -> tuple[Evaluation, LiveEvaluation]:
    """The frozen and the live evaluation of one world."""
    workspace = Workspace(directory)
    ingest_sample_world(generate_world(seed=seed), workspace)
    dataset, config = read_dataset(workspace.clean, workspace.text_embeddings), TrainingConfig()

    def towers_of(past: Dataset, _: object) -> TrainedTowers:
        return kept_towers(workspace.evaluation_towers, past, config, lambda _: train(past, config))

    frozen = evaluate(dataset, config, months=MONTHS, towers_of=towers_of)
    return frozen, evaluate_live(dataset, towers_of, months=MONTHS)


def frozen_table(found: Sequence[Evaluation]) -> list[str]:
    """NDCG@10 of every method in each group of people, pooled over all cases; the best method first."""
    pooled = {}
    for name in found[0].methods:
        groups = [
            [(group.cases, group.ndcg_at_10[name].mean) for each in found if (group := each.group(label))]
            for label in GROUPS
        ]
        pooled[name] = [sum(n * mean for n, mean in group) / sum(n for n, _ in group) for group in groups]
    lines = ["| frozen at the split | all | new | with a history |", "| --- | --- | --- | --- |"]
    for name, means in sorted(pooled.items(), key=lambda item: -item[1][0]):
        lines.append(_row(name, [fraction(mean) for mean in means]))
    lines.append(
        _row("model / last-month popularity (goals 1.15, 1.05, 1.40)", _ratios(pooled[MODEL_NAME], pooled[POPULAR]))
    )
    best = [max(means[group] for name, means in pooled.items() if name not in OURS) for group in range(len(GROUPS))]
    return [*lines, _row("model / best baseline of the group", _ratios(pooled[MODEL_NAME], best))]


def live_table(asked: Sequence[Asked], *, what: str) -> tuple[list[str], dict[str, list[float]]]:
    """NDCG@10 of every live method in each group, a mean over the worlds; and the means by method."""
    pooled = {
        name: [fmean(a.groups[label].methods[name][Variant.LIVE].ndcg_at_10.mean for a in asked) for label in GROUPS]
        for name in asked[0].everybody.methods
    }
    lines = [f"| {what}, live | all | new | with a history |", "| --- | --- | --- | --- |"]
    for name, means in sorted(pooled.items(), key=lambda item: -item[1][0]):
        lines.append(_row(name, [fraction(mean) for mean in means]))
    return lines, pooled


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[str]:
    return [f"{mine / other:.2f}" for mine, other in zip(ours, theirs, strict=True)]


def _row(name: str, cells: Sequence[str]) -> str:
    shown = f"**{name}**" if name == MODEL_NAME else name
    return f"| {shown} | {' | '.join(cells)} |"


def main() -> None:
    """Judge the worlds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    found = []
    for seed in parser.parse_args().seeds:
        with TemporaryDirectory() as directory:
            found.append(judged(seed, Path(directory)))
        frozen, live = found[-1]
        starts = live.session_start.everybody.methods
        print(
            f"world {seed}: frozen model {fraction(frozen.methods[MODEL_NAME].ndcg_at_10.mean)}, "
            f"towers alone {fraction(frozen.methods[TOWER_NAME].ndcg_at_10.mean)}; live at a session's start "
            f"{fraction(starts[MODEL_NAME][Variant.LIVE].ndcg_at_10.mean)}",
            flush=True,
        )
    print("\n".join(["", *frozen_table([frozen for frozen, _ in found]), ""]))
    lines, starts_of = live_table([live.session_start for _, live in found], what="at a session's start")
    goal = "model / live trend of 7 days (goals 1.15, -, 1.55)"
    print("\n".join([*lines, _row(goal, _ratios(starts_of[MODEL_NAME], starts_of[TREND])), ""]))
    lines, nexts_of = live_table([live.next_post for _, live in found], what="at each next post")
    frozen_popularity = [
        fmean(live.next_post.groups[label].methods[POPULAR][Variant.FROZEN].ndcg_at_10.mean for _, live in found)
        for label in GROUPS
    ]
    goal = "model / frozen last-month popularity (goal 2.5, -, -)"
    print("\n".join([*lines, _row(goal, _ratios(nexts_of[MODEL_NAME], frozen_popularity))]))


if __name__ == "__main__":
    main()
