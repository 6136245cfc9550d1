from itertools import pairwise

import pytest
import torch

from two_tower.row_draws import Part, RowDropout, take_part, uniform_like

ROWS = torch.arange(1.0, 22.0).reshape(7, 3)
CUTS = [(0, 7), (0, 4, 7), (0, 0, 2, 7)]


@pytest.mark.parametrize("cuts", CUTS)
def test_parts_draw_the_numbers_of_the_whole(cuts: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    whole = uniform_like(ROWS, None)
    drawn = []
    for first, end in pairwise(cuts):
        torch.manual_seed(3)
        drawn.append(uniform_like(ROWS[first:end], Part(first, len(ROWS))))
    assert torch.equal(torch.cat(drawn), whole)


@pytest.mark.parametrize("cuts", CUTS)
def test_parts_lose_the_numbers_that_the_whole_loses(cuts: tuple[int, ...]) -> None:
    layer = RowDropout(0.4)
    torch.manual_seed(3)
    whole = layer(ROWS)
    dropped = []
    for first, end in pairwise(cuts):
        torch.manual_seed(3)
        layer.part = Part(first, len(ROWS))
        dropped.append(layer(ROWS[first:end]))
    assert 0 < (whole == 0).sum() < whole.numel()
    torch.testing.assert_close(torch.cat(dropped), whole, rtol=1e-6, atol=0)


def test_nothing_is_lost_in_evaluation_or_with_a_share_of_zero() -> None:
    for layer in (RowDropout(0.4).eval(), RowDropout(0.0)):
        layer.part = Part(0, 9)
        assert torch.equal(layer(ROWS), ROWS)


def test_layers_of_items_take_the_part_of_the_items_and_all_others_that_of_the_examples() -> None:
    layers = torch.nn.ModuleList([RowDropout(0.1, of_items=True), RowDropout(0.1)])
    take_part(layers, examples=Part(1, 2), items=Part(3, 4))
    assert [layer.part for layer in layers] == [Part(3, 4), Part(1, 2)]
    take_part(layers, examples=None, items=None)
    assert [layer.part for layer in layers] == [None, None]
