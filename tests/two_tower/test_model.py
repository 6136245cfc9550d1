import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from two_tower.features import NUMERIC_FEATURES, TREND_COLUMN, Histories, PostInputs, window_histories
from two_tower.model import HistoryTensors, PostTensors, PostTower, UserTower, history_tensors
from two_tower.numpy_towers import NumpyTowers, _gelu
from two_tower.torch_towers import TorchTowers
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import post_tower_shapes, user_tower_shapes
from two_tower.words import Vocabulary

POSTS = 30
FIELDS = ("rows", "verbs", "strengths", "ages", "is_event")


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


@pytest.mark.parametrize("order_decay", [0.0, 0.8])
def test_padding_changes_nothing(order_decay: float) -> None:
    torch.manual_seed(2)
    tower = UserTower(config(taste_from_mean=2.0, order_decay=order_decay)).eval()
    representations = torch.randn(POSTS, 48)
    short, long = (tower(representations, histories([[3, 7]], length=length)) for length in (2, 9))
    np.testing.assert_allclose(short.detach(), long.detach(), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=9),
    heads=st.sampled_from([1, 2, 4]),
    order_decay=st.sampled_from([0.0, 0.8]),
)
def test_packed_histories_give_the_vectors_and_the_gradients_of_padded_ones(
    lengths: list[int], heads: int, order_decay: float
) -> None:
    shape = config(taste_from_mean=2.0, heads=heads, newcomers_follow_trend=False, order_decay=order_decay)
    torch.manual_seed(3)
    padded, packed = UserTower(shape), UserTower(shape, packs_histories=True)
    packed.load_state_dict(padded.state_dict())
    representations = torch.randn(POSTS, 48)
    people = histories([torch.randint(POSTS, (length,)).tolist() for length in lengths], length=6)
    weights = torch.randn(len(lengths), shape.learned_dimension)
    for tower in (padded, packed):
        (tower(representations, people) * weights).sum().backward()
    torch.testing.assert_close(packed(representations, people), padded(representations, people))
    for (name, wanted), found in zip(padded.named_parameters(), packed.parameters(), strict=True):
        torch.testing.assert_close(found.grad, wanted.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_with_an_order_decay_the_state_begins_with_the_mean_in_which_each_older_event_weighs_so_much_less() -> None:
    tower = UserTower(config(order_decay=0.5, newcomers_follow_trend=False)).eval()
    for layer in (tower.attended, tower.feed_forward[4], tower.event, tower.verb, tower.position):
        for parameter in layer.parameters():
            parameter.data.zero_()
    tower.out.weight.data[48:].zero_()
    tower.out.bias.data.zero_()
    posts = torch.randn(POSTS, 48)
    found = tower(posts, histories([[4, 7, 9], [5]], length=6))[:, :48]
    for tastes, mean in zip(found, ((4 * posts[9] + 2 * posts[7] + posts[4]) / 7, posts[5]), strict=True):
        wanted = torch.nn.functional.layer_norm(mean, [48])
        torch.testing.assert_close(tastes / tastes.norm(), wanted / wanted.norm())


def test_words_are_summed_up_over_each_post_and_their_gradients_over_all_posts() -> None:
    tower = PostTower(config())
    tower.words.weight.data.normal_()
    words = torch.tensor([[1, 2, 0], [2, 2, 5], [0, 0, 0]])
    weights = torch.randn(3, 48)
    found = tower._sum_of_words(words)
    (found * weights).sum().backward()
    assert tower.words.weight.grad is not None
    gradient = tower.words.weight.grad.to_dense()
    table = tower.words.weight.detach()
    torch.testing.assert_close(found, torch.stack([table[1] + table[2], 2 * table[2] + table[5], table[0] * 0]))
    torch.testing.assert_close(gradient[2], weights[0] + 2 * weights[1])
    assert gradient.any(dim=1).nonzero().flatten().tolist() == [1, 2, 5]


def test_in_training_a_post_can_be_known_in_histories_and_unknown_as_a_candidate() -> None:
    tower = PostTower(config(), id_dropout=1.0, history_id_dropout=0.0)
    tower.identity.weight.data.normal_()
    posts = PostTensors(
        torch.randn(3, 8), torch.zeros(3, 2, dtype=torch.int64), torch.tensor([0, 1, 2]), torch.arange(3)
    )
    known = tower.eval().represent(posts)
    unknown = tower.represent(posts._replace(post_rows=torch.full((3,), -1)))
    items, candidates = tower.train().represent_twice(posts)
    torch.testing.assert_close(items, known)
    torch.testing.assert_close(candidates, unknown)


def test_without_a_share_of_their_own_posts_in_histories_are_unknown_where_candidates_are() -> None:
    tower = PostTower(config(), id_dropout=0.5)
    tower.identity.weight.data.normal_()
    posts = PostTensors(
        torch.randn(POSTS, 8), torch.zeros(POSTS, 2, dtype=torch.int64), torch.ones(POSTS).long(), torch.arange(POSTS)
    )
    items, candidates = tower.represent_twice(posts)
    assert torch.equal(items, candidates)
    assert not torch.equal(items, tower.eval().represent(posts))


def test_posts_without_a_word_have_no_sum_of_words() -> None:
    tower = PostTower(config())
    found = tower._sum_of_words(torch.zeros(4, 3, dtype=torch.int64))
    found.sum().backward()
    assert not found.any()


@pytest.mark.parametrize("changes", [{}, {"taste_from_mean": 0.5}, {"order_decay": 0.8}])
def test_the_shapes_that_a_bundle_is_checked_against_are_those_of_the_towers(changes: dict[str, float | bool]) -> None:
    settings = config(**changes)
    for tower, shapes in (
        (UserTower(settings), user_tower_shapes(settings)),
        (PostTower(settings), post_tower_shapes(settings)),
    ):
        assert {name: tuple(weight.shape) for name, weight in tower.state_dict().items()} == shapes


@pytest.mark.parametrize(
    "changes",
    [{}, {"taste_from_mean": 0.7}, {"newcomers_follow_trend": False}, {"heads": 4}, {"order_decay": 0.8}],
)
def test_numpy_embeds_people_as_torch_does(changes: dict[str, float | bool]) -> None:
    torch.manual_seed(0)
    settings = config(new_post_bonus=0.3, **changes)
    tower, post_tower = UserTower(settings).eval(), PostTower(settings).eval()
    for parameter in [*tower.parameters(), *post_tower.parameters()]:
        parameter.data += 0.3 * torch.randn_like(parameter)
    random = np.random.default_rng(0)
    lengths = np.array([0, 1, 3, settings.history_length, 0, settings.history_length + 9])
    ends = np.cumsum(lengths)
    batch = window_histories(
        ends - lengths,
        ends,
        np.zeros(len(lengths)),
        rows=random.integers(0, POSTS, ends[-1]),
        verbs=random.integers(0, 4, ends[-1]),
        strengths=random.random(ends[-1], dtype=np.float32),
        days=-random.random(ends[-1]) * 99,
        length=settings.history_length,
    )
    representations = random.normal(size=(POSTS, settings.representation_dimension)).astype(np.float32)
    weights = {name: weight.numpy() for name, weight in tower.state_dict().items()}
    ours = NumpyTowers(settings, Vocabulary(()), None, weights, {})  # type: ignore[arg-type]
    with torch.inference_mode():
        theirs = tower.embed(torch.from_numpy(representations), history_tensors(batch)).numpy()
    embeddings = ours.embed_users(representations, batch)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, theirs, atol=1e-6)
    one = [
        ours.embed_users(representations, Histories(*(getattr(batch, name)[row : row + 1] for name in FIELDS)))
        for row in range(len(lengths))
    ]
    np.testing.assert_allclose(np.concatenate(one), theirs, atol=1e-6)


def test_numpy_embeds_posts_as_torch_does() -> None:
    torch.manual_seed(0)
    settings = config(new_post_bonus=0.3)
    tower = PostTower(settings).eval()
    for parameter in tower.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    random = np.random.default_rng(0)
    rows = random.integers(-1, POSTS, 50)
    posts = PostInputs(
        text=random.normal(size=(50, 8)).astype(np.float32),
        words=random.integers(0, 6, (50, 16)),
        category_rows=random.integers(0, 3, 50),
        post_rows=rows,
        numeric=random.random((50, len(NUMERIC_FEATURES)), dtype=np.float32) * 6,
        is_new=rows < 0,
    )
    tower.words.weight.data[0] = 0  # row 0 stands for no word
    weights = {name: weight.numpy() for name, weight in tower.state_dict().items()}
    ours = NumpyTowers(settings, Vocabulary(()), None, {}, weights)  # type: ignore[arg-type]
    theirs = TorchTowers(settings, None, tower, Vocabulary(()), None)  # type: ignore[arg-type]
    np.testing.assert_allclose(ours.embed_posts(posts), theirs.embed_posts(posts), atol=1e-6)


def test_gelu_is_the_one_by_tanh() -> None:
    # By the error function GELU(1) would be 0.841345.
    np.testing.assert_allclose(
        _gelu(np.array([-1, 0, 1, 3], np.float32)), [-0.158808, 0, 0.841192, 2.996363], atol=1e-6
    )
