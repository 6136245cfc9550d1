"""The simulation of exploration, at a size of a second."""

from pathlib import Path

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.exploration import measure
from benchmarks.live.exploring_arms import Size, two_arms

SMALL = Size(people=100, days=3, pages_a_day=40, old_posts=30, new_posts_a_day=10)


def test_halves_are_different_and_a_run_is_the_same_again() -> None:
    one, other = two_arms(3, SMALL)
    assert not np.allclose(one.posts, other.posts)
    assert not np.allclose(one.people, other.people)
    first, again = (one.run(share=0.5, seed=1, days=3) for _ in range(2))
    assert (first.positives == again.positives).all()
    assert first.explored == again.explored


def test_an_arm_explores_its_share_of_pages_and_no_more_than_once_a_page() -> None:
    arm, _ = two_arms(3, SMALL)
    assert arm.run(share=0.0, seed=1, days=3).explored == 0
    found = arm.run(share=1.0, seed=1, days=3)
    assert found.pages == 3 * SMALL.pages_a_day
    assert 100 < found.explored <= found.pages  # a person may have seen all new posts
    assert found.most_on_a_page == 1
    assert len(found.positives) == 30


def test_the_figure_has_its_bars(tmp_path: Path) -> None:
    found = measure(Bench(tmp_path, tmp_path, is_quick=True, say=lambda _: None, microlens=tmp_path))
    assert [(line.at_most, line.at_least) for line in found.lines] == [(1, None), (2, None), (None, 1.5), (None, None)]
