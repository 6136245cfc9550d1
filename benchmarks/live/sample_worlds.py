"""Sample worlds whose newest month is held out: the data, and a bundle of what was before the month, served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.live.bench import Bench
from benchmarks.live.clients import VERBS, Caller, Did, calling
from benchmarks.processes import running_product
from bundle.blend import Blend
from bundle.verbs import VERBS as VERB_NAMES
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.clean import clean
from pipeline.dataset import Dataset, read_dataset
from pipeline.embed import embed_posts
from pipeline.export import export
from pipeline.fetch import fetch
from pipeline.live_evaluation.months import Month, rolling_months
from pipeline.live_evaluation.sessions import Moments, moments_of
from pipeline.raw_store import RawStore
from pipeline.score import score
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.upstream import UpstreamClient
from pipeline.workspace import Workspace
from rpc import wall_clock
from sample_api.server import SAMPLE_NAME, SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, running_sample_api
from sample_api.world import DEFAULT_SEED, generate_world

SEEDS = (DEFAULT_SEED, 1, 2)
_DAY_MS = 86_400_000
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class HeldOutMonth:
    """The newest month of a world, its moments, and the bundles that were made of what was before it.

    ``in_bundle`` bool [posts]: whether the bundle serves the post.
    """

    dataset: Dataset
    month: Month
    moments: Moments
    bundles: Path
    in_bundle: NDArray[np.bool_]


class NoScores:
    """Stands for the model of the live evaluation where its baselines alone are wanted."""

    blend = Blend()

    def __init__(self, posts: int) -> None:
        self._posts = posts

    def scores(
        self, user_rows: NDArray[np.int64], *, crowd_days: NDArray[np.float64], person_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        return np.zeros((len(user_rows), self._posts), dtype=np.float32)


def world_of(bench: Bench, seed: int) -> Workspace:
    """The data of a world, made once for all figures of a run."""
    directory = bench.bundles / f"world-{seed}"
    if not directory.exists():
        bench.say(f"world {seed}: fetch, clean, embed")
        ingest(directory, seed)
    return Workspace(directory)


def held_out_month(bench: Bench, seed: int) -> HeldOutMonth:
    """The month of a world, made once for all figures of a run."""
    workspace = world_of(bench, seed)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    return month_of(dataset, workspace.directory / "bundles", bench)


def month_of(dataset: Dataset, bundles: Path, bench: Bench) -> HeldOutMonth:
    """The newest month of a dataset; trains and exports what was before it unless ``bundles`` is there."""
    month = rolling_months(dataset, count=1)[-1]
    past = _without_newcomers(dataset.made_before(month.split_day))
    if not bundles.exists():
        bench.say(f"train on {len(past.events):,} interactions before the month, and export")
        towers = train(past, TrainingConfig())
        export(past, towers, None, encoder_directory=default_encoder_directory(), bundles=bundles, sidecar={})
    in_bundle = np.isin(dataset.post_ids, past.post_ids[past.posts["is_servable"].to_numpy(dtype=bool)])
    return HeldOutMonth(dataset, month, moments_of(dataset, month), bundles, in_bundle)


def ingest(directory: Path, seed: int) -> None:
    """Fetch a world over HTTP, clean, score, and embed its texts with the real BERT."""
    workspace = Workspace(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with (
        running_sample_api(generate_world(seed)) as url,
        RawStore(workspace.raw) as store,
        UpstreamClient(url, flic_token=SAMPLE_TOKEN, resonance_algorithm=SAMPLE_RESONANCE_ALGORITHM) as client,
    ):
        fetch(client, store, source=SAMPLE_NAME)
    clean(workspace.raw, workspace.clean)
    score(workspace.clean, workspace.scores)
    embed_posts(
        workspace.clean,
        workspace.text_cache,
        workspace.text_embeddings,
        encoder_directory=default_encoder_directory(),
    )


class MonthRecorder:
    """Records the events of a month through a gateway, in their order.

    ``position`` is that of the last answer. ``met`` holds the ids of the posts that each person (row) met since the
    split, oldest first.
    """

    def __init__(self, held_out: HeldOutMonth, caller: Caller) -> None:
        self.position = 0
        self.met: dict[int, list[int]] = {}
        self._dataset, self._caller = held_out.dataset, caller
        self._usernames = held_out.dataset.users["username"].tolist()
        self._recorded = int(np.searchsorted(held_out.dataset.event_days, held_out.month.split_day))
        # A world's calendar is fixed, and what happens in the future is refused.
        end_ms = round(held_out.dataset.end_day * _DAY_MS)
        self._shift_ms = min(0, wall_clock.now_ms() - end_ms - _DAY_MS)

    def record_before(self, day: float) -> None:
        """Record what happened before a day since 1970, at most a thousand events a call."""
        end = int(np.searchsorted(self._dataset.event_days, day))
        for first in range(self._recorded, end, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, end))
            self.position = self._caller.record(self._did(number) for number in numbers).position
        events = self._dataset.events
        for number in range(self._recorded, end):
            post_id = int(self._dataset.post_ids[events.post_rows[number]])
            self.met.setdefault(int(events.user_rows[number]), []).append(post_id)
        self._recorded = max(self._recorded, end)

    def _did(self, number: int) -> Did:
        events = self._dataset.events
        return Did(
            event_id=f"event {number}",
            username=self._usernames[events.user_rows[number]],
            post_id=int(self._dataset.post_ids[events.post_rows[number]]),
            verb=VERBS[VERB_NAMES[events.verbs[number]]],
            occurred_at_ms=round(events.days[number] * _DAY_MS) + self._shift_ms,
            rating_percent=int(events.rating_percents[number]),
        )


def _without_newcomers(past: Dataset) -> Dataset:
    """The past with only those people known who did something in it: the others sign up later."""
    acted = np.zeros(len(past.user_ids), dtype=np.bool_)
    acted[past.event_users] = True
    users = past.users.assign(answers=past.users["answers"].to_numpy(dtype=bool) & acted)
    return replace(past, users=users)


@contextmanager
def serving(bundles: Path, scratch: Path, *, has_store: bool) -> Iterator[Caller]:
    """The one-process mode over a bundle, with an empty store of its own or without one."""
    scratch.mkdir(parents=True, exist_ok=True)
    variables = {"MOODFEED_STORE_URL": f"sqlite:///{scratch}/store.sqlite" if has_store else ""}
    with (
        running_product(bundles, logs=scratch / "logs", embedded=True, variables=variables) as product,
        calling(product.gateway_grpc) as caller,
    ):
        yield caller
