"""What people without a history are shown first: how many different pages, and what a place for new posts costs.

    python -m scripts.measure_newcomers [SEED ...]

Replays six months of sample worlds, by default 301 to 303, at the first moment of each person who was new. A page is
the first ten of the blend, as of the minute before. *Explored* gives the tenth place to one of the posts that fewest
people have met, drawn at random, on a share of the pages: what exploration does (docs/operations.md).
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bundle.blend import Blend
from cli.sample_workspace import ingest_sample_world
from pipeline.blend_weights import DEFAULT
from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluation import fraction
from pipeline.live_evaluation.crowd_counts import Crowd
from pipeline.live_evaluation.months import rolling_months
from pipeline.live_evaluation.ranks import case_metrics
from pipeline.live_evaluation.replay import CrowdSharesOf, Log
from pipeline.live_evaluation.sessions import moments_of
from pipeline.workspace import Workspace
from sample_api.world import generate_world

SEEDS = (301, 302, 303)
SHARES = (0.0, 0.05, 0.2, 1.0)
_MINUTES_A_DAY = 1440
_PAGE = 10
_FEWEST = 100  # posts that exploration draws from


def pages_of(dataset: Dataset, blend: Blend) -> tuple[dict[str, list[bytes]], dict[float, list[float]]]:
    """The first pages, in all and within a named category; and the NDCG@10 by share of pages that explore."""
    pages: dict[str, list[bytes]] = {"no category": [], "the category of their first post": []}
    values: dict[float, list[float]] = {share: [] for share in SHARES}
    random = np.random.default_rng(0)
    log = Log(dataset)
    for month in rolling_months(dataset):
        crowd, shares = Crowd(dataset), CrowdSharesOf(blend, dataset.category_rows)
        moments = moments_of(dataset, month)
        for moment in np.flatnonzero(moments.is_first & moments.is_new):
            day, targets = float(moments.days[moment]), moments.session_targets[moment]
            if len(log.history(int(moments.user_rows[moment]), day)) or not len(targets):
                continue
            minute = np.floor(day * _MINUTES_A_DAY) / _MINUTES_A_DAY
            counts = crowd.at(minute)
            numbers = shares.at(counts).numbers(np.zeros(len(dataset.post_ids)), np.zeros(0, dtype=np.int64))
            numbers = np.where(moments.existing_since < minute, numbers, -np.inf)
            order = np.lexsort((counts.tie_places, -numbers))
            page = order[:_PAGE]
            own = dataset.category_rows[moments.post_rows[moment]]
            pages["no category"].append(page.tobytes())
            pages["the category of their first post"].append(
                order[dataset.category_rows[order] == own][:_PAGE].tobytes()
            )
            fewest = order[np.argsort(counts.people[order], kind="stable")][:_FEWEST]
            explored = np.append(page[:-1], random.choice(fewest))
            with_it, without = (_ndcg(shown, targets) for shown in (explored, page))
            for share in SHARES:
                values[share].append(share * with_it + (1 - share) * without)
    return pages, values


def _ndcg(page: np.ndarray, targets: np.ndarray) -> float:
    places = {int(post): place for place, post in enumerate(page)}
    return case_metrics(np.array([places.get(int(target), _PAGE) for target in targets])).ndcg


def main() -> None:
    """Replay the worlds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    shown: dict[str, list[bytes]] = {}
    measured: dict[float, list[float]] = {}
    for seed in parser.parse_args().seeds:
        with TemporaryDirectory() as directory:
            workspace = Workspace(Path(directory))
            ingest_sample_world(generate_world(seed=seed), workspace)
            pages, values = pages_of(read_dataset(workspace.clean, workspace.text_embeddings), DEFAULT.blend(1.0))
        for name, found in pages.items():
            shown.setdefault(name, []).extend(bytes([seed % 256]) + page for page in found)
        for share, numbers in values.items():
            measured.setdefault(share, []).extend(numbers)
    print("| the request names | newcomers | different first pages |\n| --- | --- | --- |")
    for name, found in shown.items():
        print(f"| {name} | {len(found):,} | {len(set(found)):,} |")
    print("\n| share of pages that explore | NDCG@10 of newcomers |\n| --- | --- |")
    for share, numbers in measured.items():
        print(f"| {share:g} | {fraction(float(np.mean(numbers)), digits=4)} |")


if __name__ == "__main__":
    main()
