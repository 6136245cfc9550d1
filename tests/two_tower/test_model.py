import numpy as np
import pytest
import torch

from two_tower.features import NUMERIC_FEATURES, TREND_COLUMN
from two_tower.model import HistoryTensors, PostTower, TowerConfig, UserTower

POSTS = 30


def config(**changes: float | bool) -> TowerConfig:
    return TowerConfig(text_dimension=8, post_count=POSTS, category_count=3, word_count=5, **changes)  # type: ignore[arg-type]


def histories(rows: list[list[int]], *, length: int = 4) -> HistoryTensors:
    padded = torch.tensor([[0] * (length - len(row)) + row for row in rows])
    is_event = torch.tensor([[False] * (length - len(row)) + [True] * len(row) for row in rows])
    return HistoryTensors(
        padded, torch.zeros_like(padded), torch.full(padded.shape, 0.5), torch.zeros(padded.shape), is_event
    )


def embed(settings: TowerConfig, rows: list[list[int]], is_new: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    users, posts = UserTower(settings).eval(), PostTower(settings).eval()
    representations = torch.nn.functional.layer_norm(torch.randn(POSTS, 48), [48])
    numeric = torch.rand(POSTS, len(NUMERIC_FEATURES))
    with torch.inference_mode():
        return users.embed(representations, histories(rows)), posts.embed(representations, numeric, is_new)


@pytest.mark.parametrize("bonus", [0.05, 0.3])
def test_a_post_that_nobody_met_gains_the_bonus_and_nothing_else_changes_its_place(bonus: float) -> None:
    is_new = torch.arange(POSTS) % 3 == 0
    rows = [[1, 2], [5], []]
    plain = torch.mm(*(part.T if number else part for number, part in enumerate(embed(config(), rows, is_new))))
    users, posts = embed(config(new_post_bonus=bonus), rows, is_new)
    for vectors in (users, posts):
        np.testing.assert_allclose(vectors.norm(dim=1), 1, atol=1e-5)
    wanted = plain + bonus * is_new
    np.testing.assert_array_equal((users @ posts.T).argsort(dim=1), wanted.argsort(dim=1))


def test_without_a_history_posts_stand_in_the_order_of_the_trend() -> None:
    users, posts = embed(config(), [[], [3, 4]], torch.zeros(POSTS, dtype=torch.bool))
    torch.manual_seed(1)
    UserTower(config()), PostTower(config())
    torch.randn(POSTS, 48)
    trend = torch.rand(POSTS, len(NUMERIC_FEATURES))[:, TREND_COLUMN]
    scores = users @ posts.T
    assert scores[0].argsort().tolist() == trend.argsort().tolist()
    assert scores[1].argsort().tolist() != trend.argsort().tolist()


def test_data_without_a_clock_gives_newcomers_a_learnt_taste() -> None:
    settings = config(newcomers_follow_trend=False)
    users, posts = embed(settings, [[]], torch.zeros(POSTS, dtype=torch.bool))
    assert len(set((users @ posts.T)[0].tolist())) == POSTS
    assert users[0, :48].norm() > 0


def test_the_order_of_a_history_counts() -> None:
    users, _ = embed(config(taste_from_mean=2.0), [[3, 7, 9], [9, 7, 3]], torch.zeros(POSTS, dtype=torch.bool))
    assert not torch.allclose(users[0], users[1], atol=1e-4)


def test_padding_changes_nothing() -> None:
    torch.manual_seed(2)
    tower = UserTower(config(taste_from_mean=2.0)).eval()
    representations = torch.randn(POSTS, 48)
    short, long = (tower(representations, histories([[3, 7]], length=length)) for length in (2, 9))
    np.testing.assert_allclose(short.detach(), long.detach(), atol=1e-6)
