"""Measure what `diversity` does to first pages: how much their posts differ, and what that costs in NDCG@10.

    python -m scripts.measure_diversity WORKSPACE [--months N]

The posts of a workspace are ranked as `moodfeed evaluate` ranks them, month by month, for people who come back and for
those who are new to it, by towers that know the past alone. Each person's first 100 posts are the candidates, as in
post_index_service/diversity.py. The list distance is the mean of 1 minus the cosine over the pairs of a page of ten:
of the post tower's embeddings, by which the pages are reordered, and of the text embeddings.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset, read_dataset
from pipeline.encode import encode_posts
from pipeline.evaluate import model_recommender, splits_of
from pipeline.known_posts import known_at, learn_from
from pipeline.month_towers import kept_towers
from pipeline.ranking import CUTOFF, Recommender, scores_of_unseen
from pipeline.splits import Split
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace
from post_index_service.diversity import CANDIDATES, diversified

DIVERSITIES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Feeds:
    """The candidates of the test users of one month.

    ``rows`` int64 and ``numbers`` float32 [users, candidates], best first; ``vectors`` and ``texts`` of all posts.
    """

    split: Split
    rows: NDArray[np.int64]
    numbers: NDArray[np.float32]
    vectors: NDArray[np.float32]
    texts: NDArray[np.float32]


def feeds_of(workspace: Workspace, dataset: Dataset, split: Split) -> Feeds:
    """Train on the past of a split and rank."""
    kept: list[NDArray[np.float32]] = []

    def learn(past: Dataset) -> Recommender:
        config = TrainingConfig()
        towers = kept_towers(
            workspace.evaluation_towers,
            past,
            config,
            lambda checkpoint: train(past, config, run=TrainingRun(checkpoint=checkpoint)),
        )
        kept.append(encode_posts(towers, past).embeddings)
        return model_recommender(towers, past)

    known = known_at(split)
    scores = scores_of_unseen(
        learn_from(split, known, learn), split.shown, split.user_rows, candidates=split.candidates
    )
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :CANDIDATES]
    vectors = np.zeros((scores.shape[1], kept[-1].shape[1]), dtype=np.float32)
    vectors[np.searchsorted(split.past.post_ids, known.post_ids)] = kept[-1]
    return Feeds(split, rows, np.take_along_axis(scores, rows, axis=1), vectors, dataset.text)


def measured(feeds: Feeds, diversity: float) -> tuple[list[float], list[float], list[float], float]:
    """NDCG@10 and both list distances of each user's page, and seconds a page."""
    gains, by_tower, by_text = [], [], []
    seconds = 0.0
    best = np.cumsum(1 / np.log2(np.arange(CUTOFF) + 2.0))
    for rows, numbers, targets in zip(feeds.rows, feeds.numbers, feeds.split.targets, strict=True):
        is_there = np.isfinite(numbers)
        rows, numbers = rows[is_there], numbers[is_there]  # noqa: PLW2901 - candidates alone
        started = time.thread_time()
        page = rows[diversified(feeds.vectors[rows], numbers, diversity, count=CUTOFF)] if diversity else rows[:CUTOFF]
        seconds += time.thread_time() - started
        hits = np.flatnonzero(np.isin(page, targets))
        gains.append(float((1 / np.log2(hits + 2.0)).sum() / best[min(len(targets), CUTOFF) - 1]))
        by_tower.append(list_distance(feeds.vectors[page]))
        by_text.append(list_distance(feeds.texts[page]))
    return gains, by_tower, by_text, seconds / len(feeds.rows)


def list_distance(vectors: NDArray[np.float32]) -> float:
    """The mean of 1 minus the inner product over the pairs of rows."""
    products = vectors @ vectors.T
    return float(1 - products[np.triu_indices(len(vectors), 1)].mean())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--months", type=int, default=6)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    months = [
        feeds_of(workspace, dataset, split) for split in splits_of(dataset, split_name=None, months=arguments.months)
    ]
    print(f"{sum(len(feeds.rows) for feeds in months)} people, {len(months)} months")
    start: tuple[float, ...] = ()
    for diversity in DIVERSITIES:
        found = [measured(feeds, diversity) for feeds in months]
        ndcg, tower, text = (float(np.mean(np.concatenate(part))) for part in list(zip(*found, strict=True))[:3])
        start = start or (ndcg, tower, text)
        print(
            f"  {diversity:.2f}: NDCG@10 {ndcg:.4f} ({ndcg / start[0] - 1:+.1%}), list distance {tower:.3f} "
            f"({tower / start[1] - 1:+.1%}), of texts {text:.3f} ({text / start[2] - 1:+.1%}), "
            f"{1e3 * np.median([one[3] for one in found]):.3f} ms of processor time a page"
        )


if __name__ == "__main__":
    main()
