"""Random numbers of a batch's rows, drawn alike by one process and by several that divide the rows among them.

A process that has some of the rows draws the numbers of all, and takes those of its own: it needs no message from the
others, and the numbers do not depend on how many processes there are.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Part:
    """The rows from ``first`` on, of ``count`` in the whole batch; how many they are, the tensor of them says."""

    first: int
    count: int


def uniform_like(rows: Tensor, part: Part | None) -> Tensor:
    """Numbers in 0..1 of the shape of ``rows`` [rows, ...], which are a part of a batch, or all of it."""
    if part is None:
        return torch.rand(rows.shape, device=rows.device)
    return torch.rand((part.count, *rows.shape[1:]), device=rows.device)[part.first : part.first + len(rows)]


class RowDropout(nn.Dropout):
    """Dropout of the rows of a batch, or of those that ``part`` names: of its items, or else of its examples."""

    def __init__(self, share: float, *, of_items: bool = False) -> None:
        super().__init__(share)
        self.of_items = of_items
        self.part: Part | None = None

    def forward(self, rows: Tensor) -> Tensor:
        """The rows [rows, ...] with a share of their numbers set to zero in training, and the others enlarged."""
        if self.part is None or not self.training or not self.p:
            return super().forward(rows)
        whole = super().forward(rows.new_ones(self.part.count, *rows.shape[1:]))
        return rows * whole[self.part.first : self.part.first + len(rows)]


def take_part(module: nn.Module, *, examples: Part | None, items: Part | None) -> None:
    """The next batch of a module is a part of one that several processes divide: these examples, these items."""
    for each in module.modules():
        if isinstance(each, RowDropout):
            each.part = items if each.of_items else examples
