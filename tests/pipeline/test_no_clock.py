"""Data with an order and no times: nothing that needs a clock is learnt, measured or served."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.bundle_contents import popularity
from pipeline.crowd_baselines import last_month_popularity
from pipeline.dataset import Dataset, _assemble
from pipeline.evaluate import default_split, evaluate
from pipeline.evaluation import EvaluationError
from pipeline.events import read_events
from pipeline.tables import read_posts, read_users
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Examples
from tests.pipeline.foreign.foreign_files import imported, write

LONG = 900  # interactions of one person: at an hour each, more than the four weeks that a clock needs


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """One person with a long history and one with a short one; the post met first is met by both."""
    rows = [("long", number) for number in range(LONG)] + [("short", 0), ("short", 1)]
    text = "user,post\n" + "".join(f"{user},{post + 1}\n" for user, post in rows)
    imported(write(tmp_path / "in", {"events.csv": text}), to=tmp_path / "clean")
    posts = read_posts(tmp_path / "clean")
    users = read_users(tmp_path / "clean")
    text_of_posts = np.eye(len(posts), 4, dtype=np.float32)
    return _assemble(
        posts=posts,
        users=users,
        text=text_of_posts,
        mood_text=text_of_posts,
        events=read_events(
            tmp_path / "clean", user_ids=users["user_id"].to_numpy(), post_ids=posts["post_id"].to_numpy()
        ),
        is_timed=False,
    )


def test_histories_keep_their_order(dataset: Dataset) -> None:
    offsets = dataset.pairs.offsets
    assert dataset.pairs.post_rows[offsets[0] : offsets[1]].tolist() == list(range(LONG))


def test_a_long_history_is_no_clock(dataset: Dataset) -> None:
    assert np.ptp(dataset.event_days) > 28
    assert not dataset.has_clock
    assert not dataset.only(np.ones(len(dataset.events), dtype=bool)).has_clock
    assert default_split(dataset) == "last"


def test_no_feature_of_time_is_computed(dataset: Dataset) -> None:
    assert not dataset.numeric(dataset.end_day).any()
    assert (dataset.created_days <= dataset.event_days[0]).all()


def test_popularity_counts_all_interactions_alike(dataset: Dataset) -> None:
    assert popularity(dataset)[:3].tolist() == pytest.approx([1.0, 1.0, 0.5], abs=1e-3)
    scores = last_month_popularity(dataset)(dataset, np.array([0]))
    assert scores[0, :3].tolist() == [2, 2, 1]


def test_nothing_is_forgotten_in_training(dataset: Dataset) -> None:
    words = np.zeros((len(dataset.post_ids), 1), dtype=np.int64)
    config = TrainingConfig(user_balance=0.0, time_decay_days=1.0)
    examples = Examples(dataset, config, words, device="cpu", random=np.random.default_rng(0))
    weights = examples._weights(np.arange(len(dataset.pairs)))
    assert np.ptp(weights) == 0


def test_a_split_by_time_is_refused(dataset: Dataset) -> None:
    with pytest.raises(EvaluationError, match="use --split last"):
        evaluate(dataset, TrainingConfig(), split_name="time")
