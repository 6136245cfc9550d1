"""People of MicroLens whom training never saw, brought in by RPC with their last posts, and asked for a feed."""

from collections.abc import Sequence

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.clients import VERBS, Caller, Did, calling, post_ids
from benchmarks.live.microlens import microlens_data, towers_of
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.processes import running_product
from bundle.verbs import VERBS as VERB_NAMES
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.cold_start import SHOWN_INTERACTIONS
from pipeline.dataset import Dataset
from pipeline.evaluate import model_recommender
from pipeline.export import export
from pipeline.ranking import measure as measure_ranks
from pipeline.ranking import rank_targets
from pipeline.splits import Split, split_cold_users

_BARS = {1: 0.0845, 3: 0.0988, 5: 0.0984}  # what docs/quality.md has of `moodfeed cold-start`
_AT_ONCE = 1000
_BEGUN_MS = 1_700_000_000_000


def measure(bench: Bench) -> Found:
    """Serve towers that were trained without every tenth person, and bring those people in."""
    dataset = microlens_data(bench)
    splits = {count: split_cold_users(dataset, shown_interactions=count) for count in SHOWN_INTERACTIONS}
    past = splits[SHOWN_INTERACTIONS[0]].past
    towers = towers_of(bench, past, figure="cold-people", without="every tenth person")
    bench.say("export")
    bundles = bench.scratch / "bundles"
    export(past, towers, None, encoder_directory=default_encoder_directory(), bundles=bundles, sidecar={})
    recommender = model_recommender(towers, past)
    lines = []
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_product(
            bundles, logs=bench.scratch / "logs", embedded=True, variables={"MOODFEED_STORE_URL": url}
        ) as product,
        calling(product.gateway_grpc) as caller,
    ):
        for count, split in splits.items():
            bench.say(f"{len(split.user_rows):,} people, {count} posts each")
            hits = _ask(caller, dataset, split, count)
            offline = measure_ranks(rank_targets(split, recommender)).recall
            lines.append(
                Line(
                    f"Recall@10, k = {count}",
                    float(np.mean(hits)),
                    at_least=_BARS[count],
                    note=f"{len(hits):,} people; {np.mean(offline):.4f} offline by the same towers",
                )
            )
    return Found(
        how="MicroLens-50k, `configs/microlens.toml`, trained without every tenth person; the bundle does not know "
        "them. Their last *k* posts before the held-back one are recorded by `RecordInteractions`, then `GetFeed` is "
        "asked for ten posts. The bars are the offline figures of `moodfeed cold-start` ([quality.md](quality.md)).",
        lines=tuple(lines),
    )


def _ask(caller: Caller, dataset: Dataset, split: Split, count: int) -> list[bool]:
    """Whether each person's held-back post is in their first page."""
    pairs = split.shown.pairs
    names = [f"{dataset.user_ids[row]} shows {count}" for row in split.user_rows]
    rows = [
        Did(
            event_id=f"{name} {pair}",
            username=name,
            post_id=int(dataset.post_ids[pairs.post_rows[pair]]),
            verb=VERBS[VERB_NAMES[pairs.verbs[pair]]],
            occurred_at_ms=_BEGUN_MS + pair * 1000,
        )
        for row, name in zip(split.user_rows, names, strict=True)
        for pair in range(int(pairs.offsets[row]), int(pairs.offsets[row + 1]))
    ]
    for first in range(0, len(rows), _AT_ONCE):
        caller.record(rows[first : first + _AT_ONCE])
    return [
        _is_hit(post_ids(caller.feed(name)), dataset.post_ids[targets].tolist())
        for name, targets in zip(names, split.targets, strict=True)
    ]


def _is_hit(shown: Sequence[int], targets: Sequence[int]) -> bool:
    return not set(targets).isdisjoint(shown)
