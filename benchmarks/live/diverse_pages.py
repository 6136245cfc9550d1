"""What `diversity` of .5 does to first pages on a sample world: how much their posts differ, and what it costs."""

from collections.abc import Mapping

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.results import Found, Line
from benchmarks.live.sample_worlds import SEEDS, world_of
from pipeline.dataset import read_dataset
from pipeline.evaluate import splits_of
from pipeline.workspace import Workspace
from scripts.measure_diversity import Feeds, feeds_of, measured

_DIVERSITY = 0.5


def measure(bench: Bench) -> Found:
    """The newest months of each world, each with towers trained on what was before it."""
    seeds = SEEDS[: bench.pick(len(SEEDS), 1)]
    return compare({str(seed): world_of(bench, seed) for seed in seeds}, bench, months=bench.pick(6, 1))


def compare(worlds: Mapping[str, Workspace], bench: Bench, *, months: int) -> Found:
    """The pages of everybody who is tested in these months of the worlds, by name."""
    feeds: list[Feeds] = []
    for name, workspace in worlds.items():
        dataset = read_dataset(workspace.clean, workspace.text_embeddings)
        for split in splits_of(dataset, split_name=None, months=months):
            label = split.label or "the last interactions"
            bench.say(f"world {name}, month of {label}: {len(split.user_rows):,} people")
            feeds.append(feeds_of(workspace, dataset, split))
    plain, diverse = ([measured(of_month, diversity) for of_month in feeds] for diversity in (0.0, _DIVERSITY))
    (ndcg, distance, of_texts), (diverse_ndcg, diverse_distance, diverse_of_texts) = (
        tuple(float(np.mean(np.concatenate([month[part] for month in months_]))) for part in range(3))
        for months_ in (plain, diverse)
    )
    people = sum(len(of_month.rows) for of_month in feeds)
    return Found(
        how=f"Sample worlds {', '.join(worlds)}, {len(feeds)} months in all: towers of what was before a month rank "
        "the posts that each person has not met, as `moodfeed evaluate` does, and the first hundred are the "
        "candidates. The list distance is the mean of 1 less the cosine over the pairs of a page of ten, by the post "
        "tower's embeddings. Times are processor time of the reordering "
        "([measure_diversity.py](../scripts/measure_diversity.py)).",
        lines=(
            Line(
                f"list distance at diversity {_DIVERSITY}, more than at 0",
                100 * (diverse_distance / distance - 1),
                "%",
                at_least=25,
                note=f"{distance:.3f} and {diverse_distance:.3f}; {people:,} people",
            ),
            Line(
                f"NDCG@10 at diversity {_DIVERSITY}, less than at 0",
                100 * (1 - diverse_ndcg / ndcg),
                "%",
                at_most=2,
                note=f"{ndcg:.4f} and {diverse_ndcg:.4f}",
            ),
            Line(
                "list distance of the texts, more than at 0",
                100 * (diverse_of_texts / of_texts - 1),
                "%",
                note=f"{of_texts:.3f} and {diverse_of_texts:.3f}",
            ),
            Line(
                "reordering a page",
                1000 * float(np.median([month[3] for month in diverse])),
                "ms",
                at_most=0.3,
                note="median of the months' means",
            ),
        ),
    )
