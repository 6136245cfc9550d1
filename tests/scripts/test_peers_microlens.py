"""The protocol of the comparison with peers; the peer itself needs the environment of `make peers`."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ALL = np.arange(2)


@pytest.fixture
def peers() -> Iterator[ModuleType]:
    specification = importlib.util.spec_from_file_location("peers_microlens", ROOT / "scripts" / "peers_microlens.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look there
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Person 7 meets 30, 10, 20; person 9 meets 40, 30. The rows of the file are in no order."""
    met = [(9, 30, 1), (7, 20, 2), (7, 30, 0), (9, 40, 0), (7, 10, 1)]
    pd.DataFrame(met, columns=["user_id", "post_id", "position"]).to_parquet(tmp_path / "interactions.parquet")
    posts = [(40, 2), (10, 1), (30, 2), (20, 1), (50, 1)]
    pd.DataFrame(posts, columns=["post_id", "category_id"]).to_parquet(tmp_path / "posts.parquet")
    return tmp_path


def test_the_last_interaction_of_each_person_is_held_back(peers: ModuleType, directory: Path) -> None:
    split = peers.read_split(directory)
    assert split.history_people.tolist() == [0, 0, 1]
    assert split.history_posts.tolist() == [2, 0, 3]
    assert split.targets.tolist() == [1, 2]
    assert split.categories.tolist() == [1, 1, 2, 2, 1]


def test_an_interaction_with_an_unknown_post_is_refused(peers: ModuleType, directory: Path) -> None:
    posts = pd.read_parquet(directory / "posts.parquet")
    posts[posts["post_id"] != 10].to_parquet(directory / "posts.parquet")
    with pytest.raises(ValueError, match=r"posts\.parquet"):
        peers.read_split(directory)


def test_history_is_no_rival_and_only_the_category_counts_in_category(peers: ModuleType, directory: Path) -> None:
    split = peers.read_split(directory)
    scores = np.array([[9, 1, 9, 2, 3], [5, 4, 3, 9, 2]], dtype=np.float32)
    overall, in_category = peers.rank_targets(scores, split, ALL)
    assert overall.tolist() == [2, 2]
    assert in_category.tolist() == [1, 0]


@pytest.mark.parametrize("score", [1.0, -np.inf])
def test_ties_count_against_the_target_even_where_nothing_is_known(
    peers: ModuleType, directory: Path, score: float
) -> None:
    split = peers.read_split(directory)
    overall, in_category = peers.rank_targets(np.full((2, 5), score, dtype=np.float32), split, ALL)
    assert overall.tolist() == [2, 3]
    assert in_category.tolist() == [1, 0]


def test_a_diverged_training_is_no_success(peers: ModuleType, directory: Path) -> None:
    with pytest.raises(ValueError, match="diverged"):
        peers.rank_targets(np.full((2, 5), np.nan, dtype=np.float32), peers.read_split(directory), ALL)


def test_the_tenth_place_counts_and_the_eleventh_does_not(peers: ModuleType) -> None:
    found = peers.accuracy(np.array([0, 9, 10, 500]))
    assert found.recall_at_10 == 0.5
    assert found.ndcg_at_10 == pytest.approx((1 + 1 / np.log2(11)) / 4)
    assert found.recall_standard_error == pytest.approx(0.25)


def test_the_lock_of_the_peers_pins_everything_and_names_neither_a_local_build_nor_a_place() -> None:
    lines = (ROOT / "requirements-peers.txt").read_text(encoding="utf-8").splitlines()
    pins = [str(Requirement(line).specifier) for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"==[\w.]+", pin) for pin in pins)
