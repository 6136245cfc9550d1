"""AdamW on the rows of a batch beside torch's AdamW on whole tables."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pipeline import row_optimizer
from pipeline.row_optimizer import RowAdamW

ROWS, WIDTH = 12, 3
GOALS = torch.linspace(-2, 2, ROWS * WIDTH).reshape(ROWS, WIDTH)


def tables() -> tuple[nn.Embedding, nn.Embedding]:
    """The same numbers twice, with dense and with sparse gradients."""
    torch.manual_seed(0)
    dense, sparse = nn.Embedding(ROWS, WIDTH), nn.Embedding(ROWS, WIDTH, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    return dense, sparse


def pull(table: nn.Embedding, rows: Tensor) -> None:
    """A backward pass that reaches some rows, each of which moves towards its goal."""
    ((table(rows) - GOALS[rows]) ** 2).sum().backward()


def learn(steps: list[tuple[list[int], float]], *, weight_decay: float) -> tuple[nn.Embedding, nn.Embedding]:
    dense, sparse = tables()
    whole = torch.optim.AdamW(dense.parameters(), lr=1.0, weight_decay=weight_decay)
    by_rows = RowAdamW([sparse], weight_decay=weight_decay)
    for rows, rate in steps:
        whole.zero_grad()
        for table in (dense, sparse):
            pull(table, torch.tensor(rows))
        whole.param_groups[0]["lr"] = rate
        whole.step()
        by_rows.step(rate)
    by_rows.bring_up_to_date()
    return dense, sparse


step = st.tuples(st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=6), st.floats(1e-4, 0.1))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(step, min_size=1, max_size=40), weight_decay=st.sampled_from([0.0, 0.01, 0.5]))
def test_a_table_ends_as_under_adamw_whatever_rows_the_steps_read(
    steps: list[tuple[list[int], float]], weight_decay: float
) -> None:
    dense, sparse = learn(steps, weight_decay=weight_decay)
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("then", ["another read", "a state", "all rows"])
def test_rows_that_are_read_without_a_step_lose_nothing(then: str) -> None:
    dense, sparse = tables()
    whole, by_rows = (
        torch.optim.AdamW(dense.parameters(), lr=0.1, weight_decay=0.1),
        RowAdamW([sparse], weight_decay=0.1),
    )
    for rows in ([0, 1, 2], [3], [1, 3]):
        sparse(torch.tensor([0, 2, 5]))
        if then == "a state":
            by_rows.restore({name: tensor.clone() for name, tensor in by_rows.state().items()})
        elif then == "all rows":
            by_rows.bring_up_to_date()
        whole.zero_grad()
        for table in (dense, sparse):
            pull(table, torch.tensor(rows))
        whole.step()
        by_rows.step(0.1)
    by_rows.bring_up_to_date()
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=1e-4, atol=1e-5)


def test_a_row_that_is_not_read_for_longer_than_its_gradient_is_remembered_is_made_up_for_too() -> None:
    steps = [([0, 1], 0.05), *[([2], 0.01 * (1 + math.sin(number))) for number in range(700)], ([0], 0.05)]
    dense, sparse = learn(steps, weight_decay=0.1)
    torch.testing.assert_close(sparse.weight, dense.weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [0.5, 0.75])
def test_a_rate_that_decays_weights_to_nothing_or_beyond_is_no_error_of_a_step(rate: float) -> None:
    """Training says by its loss that it has diverged, not by a logarithm."""
    learn([([0, 1], rate), ([2], rate)], weight_decay=2.0)


def test_a_row_is_up_to_date_when_it_is_read_and_not_before() -> None:
    _, sparse = tables()
    by_rows = RowAdamW([sparse], weight_decay=0.0)
    for rows in ([0, 1], [2]):
        pull(sparse, torch.tensor(rows))
        by_rows.step(0.1)
    waiting = sparse.weight[[0, 1]].clone()
    read = sparse(torch.tensor([0]))[0]
    assert not torch.equal(read, waiting[0])
    assert torch.equal(sparse.weight[1], waiting[1])
    assert torch.equal(sparse(torch.tensor([0]))[0], read)  # once


def test_a_step_touches_no_row_that_the_batch_does_not_read() -> None:
    _, sparse = tables()
    by_rows = RowAdamW([sparse], weight_decay=0.5)
    before = sparse.weight.clone()
    pull(sparse, torch.tensor([3, 5]))
    by_rows.step(0.1)
    changed = (sparse.weight != before).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [3, 5]


def test_a_bag_of_words_leaves_its_padding_alone() -> None:
    bag = nn.EmbeddingBag(5, WIDTH, mode="sum", padding_idx=0, sparse=True)
    with torch.no_grad():
        bag.weight[0] = 0
    by_rows = RowAdamW([bag], weight_decay=0.1)
    for _ in range(3):
        bag(torch.tensor([[1, 0], [1, 2]])).sum().backward()
        by_rows.step(0.1)
    by_rows.bring_up_to_date()
    assert not bag.weight[0].any()
    assert (bag.weight.isfinite()).all()


def test_gradients_that_are_scaled_are_what_the_step_applies() -> None:
    moved = []
    for share in (1.0, 0.0):
        _, sparse = tables()
        by_rows = RowAdamW([sparse], weight_decay=0.0)
        before = sparse.weight.clone()
        pull(sparse, torch.tensor([3]))
        (gradient,) = by_rows.gradients()
        gradient.mul_(share)
        by_rows.step(0.1)
        moved.append(float((sparse.weight - before).detach().abs().sum()))
    assert moved[0] > 0
    assert moved[1] == 0


def test_a_state_that_is_restored_goes_on_bit_for_bit() -> None:
    def some_steps(by_rows: RowAdamW, sparse: nn.Embedding, numbers: range) -> None:
        for number in numbers:
            pull(sparse, torch.tensor([number % 5, number % 7]))
            by_rows.step(0.05)

    _, whole = tables()
    without_break = RowAdamW([whole], weight_decay=0.1)
    some_steps(without_break, whole, range(30))
    _, first = tables()
    before = RowAdamW([first], weight_decay=0.1)
    some_steps(before, first, range(17))
    _, second = tables()
    second.load_state_dict(first.state_dict())
    after = RowAdamW([second], weight_decay=0.1)
    after.restore(before.state())
    some_steps(after, second, range(17, 30))
    assert torch.equal(second.weight, whole.weight)


def test_a_module_is_left_alone_once_it_is_detached_and_in_evaluation() -> None:
    _, sparse = tables()
    by_rows = RowAdamW([sparse], weight_decay=0.0)
    for rows in ([0], [1]):
        pull(sparse, torch.tensor(rows))
        by_rows.step(0.1)
    before = sparse.weight.clone()
    sparse.eval()(torch.tensor([0]))
    by_rows.detach()
    sparse.train()(torch.tensor([0]))
    assert torch.equal(sparse.weight, before)


@pytest.mark.parametrize("rows_at_once", [1, 5, 100])
def test_whole_tables_are_brought_up_to_date_in_pieces(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [([0, 1, 2, 11], 0.1), ([3], 0.1)]
    expected = learn(steps, weight_decay=0.1)[1].weight
    monkeypatch.setattr(row_optimizer, "_ROWS_AT_ONCE", rows_at_once)
    assert torch.equal(learn(steps, weight_decay=0.1)[1].weight, expected)
