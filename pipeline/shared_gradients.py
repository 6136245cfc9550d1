"""The gradients of a batch that several processes divide: in all of them, the sum of what each found."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.ranks import Ranks
from pipeline.row_optimizer import RowAdamW


def share_gradients(ranks: Ranks, parameters: Sequence[nn.Parameter], tables: RowAdamW) -> None:
    """Replace all gradients by their sums over the processes: dense ones in one message, tables by the rows reached.

    A parameter that no process reached stays without a gradient, as in one process.
    """
    if ranks.size == 1:
        return
    reached = [each.grad is not None for each in parameters]
    flat = [(torch.zeros_like(each) if each.grad is None else each.grad).flatten() for each in parameters]
    sums = ranks.sum(torch.cat([*flat, torch.tensor(reached, dtype=flat[0].dtype, device=flat[0].device)]))
    *gradients, counts = torch.split(sums, [*(each.numel() for each in parameters), len(parameters)])
    for parameter, gradient, count in zip(parameters, gradients, counts.tolist(), strict=True):
        parameter.grad = gradient.view_as(parameter) if count else None

    def gathered(rows: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        every_row, places = torch.unique(torch.cat(ranks.gather_each(rows)), return_inverse=True)
        every_gradient = torch.cat(ranks.gather_each(gradient))
        return every_row, gradient.new_zeros(len(every_row), gradient.shape[1]).index_add_(0, places, every_gradient)

    tables.replace_gradients(gathered)
