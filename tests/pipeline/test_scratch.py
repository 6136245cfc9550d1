"""What is computed in pieces, in arrays that lie in files, has the bits of what is computed at once in memory."""

import gc
import os
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bundle.verbs import VERBS
from pipeline import events as events_module
from pipeline import training_examples
from pipeline.dataset import Dataset, read_dataset
from pipeline.events import Events, read_events
from pipeline.pairs import Pairs
from pipeline.scratch import Scratch, ScratchError, _mapped_bytes, counts_of, even_ranges, pieces
from pipeline.tables import INTERACTIONS_FILE
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples
from pipeline.workspace import Workspace
from two_tower import features
from two_tower.past_popularity import PastPopularity
from two_tower.words import Vocabulary

COUNT, USERS, POSTS = 20_000, 700, 90


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """Every array lies in a file."""
    return Scratch(tmp_path, large_bytes=1)


@pytest.fixture
def events() -> Events:
    """Some people and posts have no event, some have many; a quarter of the moments is shared."""
    random = np.random.default_rng(3)
    verbs = random.integers(0, len(VERBS), COUNT).astype(np.int8)
    is_rating = verbs == VERBS.index("rating")
    return Events(
        user_rows=(USERS * random.random(COUNT) ** 2).astype(np.int32),
        post_rows=(POSTS * random.random(COUNT) ** 3).astype(np.int32),
        verbs=verbs,
        rating_percents=np.where(is_rating, random.integers(1, 101, COUNT), 0).astype(np.int8),
        days=np.sort(random.integers(0, COUNT, COUNT) / 100),
        is_skip=(verbs == VERBS.index("view")) & (random.random(COUNT) < 0.1),
    )


def open_files() -> int:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    return sum(line.endswith("(deleted)") and f"{os.sep}tmp" in line for line in maps.splitlines())


def test_a_large_array_keeps_its_values_when_its_pages_go_and_leaves_no_file(tmp_path: Path, scratch: Scratch) -> None:
    values = scratch.empty(100_000, np.int64)
    values[:] = np.arange(100_000)
    scratch.let_go()
    assert values.sum() == 100_000 * 99_999 // 2
    assert list(tmp_path.iterdir()) == []
    mapped = open_files()
    del values
    gc.collect()
    assert open_files() == mapped - 1
    scratch.let_go()


def test_pages_go_only_if_there_are_many(scratch: Scratch) -> None:
    values = scratch.empty(4_000_000, np.int64)
    values[:] = 3
    assert not scratch.let_go(if_over=2**40)
    held = _mapped_bytes()
    assert scratch.let_go(if_over=1)
    assert held - _mapped_bytes() > 0.9 * values.nbytes
    assert values.sum() == 12_000_000
    assert not Scratch().let_go()


def test_a_small_array_is_in_memory(tmp_path: Path) -> None:
    assert Scratch(tmp_path).empty(10, np.int8).base is None
    assert Scratch().empty(10, np.int8).base is None


def test_an_array_that_the_disk_cannot_hold_is_refused_before_it_is_filled(tmp_path: Path, scratch: Scratch) -> None:
    with pytest.raises(ScratchError, match=rf"^{tmp_path} cannot hold 8388608\.0 GiB .*: make room, or choose"):
        scratch.empty(2**50, np.int64)


@pytest.mark.parametrize("counts", [[], [0], [5], [0, 0, 3], [1] * 40, [100, 1, 1, 1], [1, 1, 100, 0, 0, 9, 9, 9]])
def test_ranges_cover_all_rows_and_hold_about_the_same(counts: list[int]) -> None:
    ranges = list(even_ranges(np.array(counts, dtype=np.int64), 10))
    assert [first for first, _ in ranges] == [0, *(end for _, end in ranges[:-1])]
    assert ranges[-1][1] == len(counts)
    for first, end in ranges:
        assert sum(counts[first : end - 1]) < 10 or end - first <= 1


def test_rows_are_counted_in_pieces() -> None:
    rows = np.array([3, 0, 3, 1] * 5, dtype=np.int32)
    assert counts_of(rows, 5).tolist() == [5, 5, 0, 10, 0]
    assert [rows[piece].tolist() for piece in pieces(7, 3)] == [rows[:3].tolist(), rows[3:6].tolist(), [3]]


@pytest.mark.parametrize("at_once", [37, 1_000, COUNT - 1])
def test_pairs_of_some_users_at_a_time_are_those_of_all_at_once(events: Events, scratch: Scratch, at_once: int) -> None:
    whole = Pairs.of(events, user_count=USERS, post_count=POSTS)
    some = Pairs.of(events, user_count=USERS, post_count=POSTS, scratch=scratch, at_once=at_once)
    for name in ("user_rows", "post_rows", "verbs", "strengths", "days", "offsets"):
        expected, found = getattr(whole, name), getattr(some, name)
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes(), name


@pytest.mark.parametrize("at_once", [37, 1_000])
def test_popularity_of_some_posts_at_a_time_is_that_of_all_at_once(
    events: Events, scratch: Scratch, at_once: int
) -> None:
    facts = {
        "event_rows": events.post_rows,
        "event_days": events.days,
        "created_days": np.linspace(-5, 50, POSTS),
        "category_rows": np.arange(POSTS) % 4,
        "category_count": 4,
    }
    whole = PastPopularity(**facts)
    some = PastPopularity(**facts, empty=scratch.empty, let_go=scratch.let_go, at_once=at_once)
    for day in (-1.0, 0.5, 77.77, 300.0):
        assert some.features(day, np.arange(POSTS)).tobytes() == whole.features(day, np.arange(POSTS)).tobytes()


def test_what_is_computed_in_pieces_takes_few_bytes_an_event_beside_its_result(scratch: Scratch) -> None:
    count = 400_000
    random = np.random.default_rng(4)
    events = Events(
        user_rows=random.integers(0, 5_000, count, dtype=np.int32),
        post_rows=random.integers(0, 1_000, count, dtype=np.int32),
        verbs=np.zeros(count, dtype=np.int8),
        rating_percents=np.zeros(count, dtype=np.int8),
        days=np.sort(random.random(count) * 100),
    )
    facts = {"event_rows": events.post_rows, "event_days": events.days, "category_count": 1}
    facts |= {"created_days": np.zeros(1_000), "category_rows": np.zeros(1_000, dtype=np.int64)}
    tracemalloc.start()
    try:
        pairs = Pairs.of(events, user_count=5_000, post_count=1_000, scratch=scratch, at_once=10_000)
        of_pairs = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        popularity = PastPopularity(**facts, empty=scratch.empty, let_go=scratch.let_go, at_once=10_000)
        of_popularity = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(pairs) > 0.9 * count
    assert popularity.features(50.0, np.arange(10)).any()
    assert of_pairs < 16 * count, "at once it takes more than 60 bytes an event"
    assert of_popularity < 16 * count, "at once it takes more than 40 bytes an event"


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 8_191, 100_003])
def test_a_sum_in_pieces_has_the_bits_of_a_sum_at_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    days = np.sort(np.random.default_rng(count).random(count) * 100)
    whole = features._sum_of_decayed(days, 100.0)
    monkeypatch.setattr(features, "_SUMMED_AT_ONCE", 1_000)
    assert features._sum_of_decayed(days, 100.0) == whole


@pytest.mark.parametrize("is_sorted", [True, False])
def test_a_table_is_read_in_pieces_whether_it_is_in_order_or_not(
    small_workspace: Workspace, tmp_path: Path, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, is_sorted: bool
) -> None:
    table = pq.read_table(small_workspace.clean / INTERACTIONS_FILE)
    ids = {name: np.unique(table[name[:-1]].to_numpy()) for name in ("user_ids", "post_ids")}
    whole = read_events(small_workspace.clean, **ids)
    if not is_sorted:
        table = table.take(np.random.default_rng(0).permutation(len(table)))
    pq.write_table(table, tmp_path / INTERACTIONS_FILE, row_group_size=700)
    monkeypatch.setattr(events_module, "pieces", partial(pieces, at_once=333))
    monkeypatch.setattr(events_module, "_READ_AT_ONCE", 500)
    monkeypatch.setattr(events_module, "read_interactions", None)  # so that only the short way is left
    sorts: list[int] = []
    lexsort = np.lexsort
    monkeypatch.setattr(np, "lexsort", lambda keys: (sorts.append(1), lexsort(keys))[1])
    found = read_events(tmp_path, **ids, scratch=scratch)
    for name in ("user_rows", "post_rows", "verbs", "rating_percents", "days"):
        assert getattr(found, name).tobytes() == getattr(whole, name).tobytes(), name
    assert sorts == ([] if is_sorted else [1])


def contents(batch: object) -> list[bytes]:
    if isinstance(batch, torch.Tensor):
        return [batch.numpy().tobytes()]
    names = getattr(batch, "__dataclass_fields__", ())
    return [each for name in names for each in contents(getattr(batch, name))]


def made(dataset: Dataset, config: TrainingConfig) -> tuple[list[list[int]], list[Batch]]:
    words = Vocabulary.learn(dataset.texts).rows_of(dataset.texts)
    examples = Examples(dataset, config, words, device="cpu", random=np.random.default_rng(1))
    plans = examples.plans(examples.training_rows, np.random.default_rng(2))
    batches = [examples.batch(plan, np.random.default_rng(number)) for number, plan in enumerate(plans[:20])]
    return [plan.rows.tolist() for plan in plans], batches


def test_examples_are_the_same_from_files_and_in_pieces(
    small_workspace: Workspace, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(batch_size=64)
    dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    plans, batches = made(dataset, config)
    monkeypatch.setattr("pipeline.dataset.Scratch", lambda directory: scratch)
    monkeypatch.setattr(training_examples, "pieces", partial(pieces, at_once=100))
    filed = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    assert filed.scratch is scratch
    assert filed.fingerprint() == dataset.fingerprint()
    filed_plans, filed_batches = made(filed, config)
    assert filed_plans == plans
    assert [contents(batch) for batch in filed_batches] == [contents(batch) for batch in batches]
