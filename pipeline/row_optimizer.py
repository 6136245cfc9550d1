"""AdamW for embedding tables: the cost of a step depends on the rows that it reads, not on the size of the table.

AdamW changes every row at every step: a row that a batch does not read still follows its decaying mean of gradients.
Here the missed updates are applied when the row is read again. A missed step multiplies both moments by their decays,
so the missed updates form a geometric series, and only its sum over the steps since the last read is computed. The
result equals AdamW's, except for rounding and for epsilon in the divisor during missed steps.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

_MEAN_DECAY, _SQUARE_DECAY = 0.9, 0.999  # AdamW's defaults
_EPSILON = 1e-8
_RATIO = _MEAN_DECAY / _SQUARE_DECAY**0.5  # of two consecutive changes of a row that is not read
_REMEMBERED = 256  # steps after which nothing of a mean of gradients is left: 0.9 ** 256 is 2e-12
_ROWS_AT_ONCE = 65_536
_SMALLEST_DECAY = 1e-30  # a rate times weight decay of 1 or more diverges whatever is done

SparseTable = nn.Embedding | nn.EmbeddingBag


class RowAdamW:
    """Updates the sparse tables of some modules; their other parameters belong to another optimizer.

    A table is brought up to date wherever a module in training mode reads it. ``bring_up_to_date`` does so for whole
    tables, which is needed before anything else reads them.

    Where several processes train the same tables, ``read_by_all`` gives the rows that each of them reads of a table.
    All then bring all these rows up to date, in one order: the last bits of a power depend on its place in a tensor.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        *,
        weight_decay: float,
        read_by_all: Callable[[Tensor], Sequence[Tensor]] = lambda rows: [rows],
    ) -> None:
        self._weight_decay = weight_decay
        self._read_by_all = read_by_all
        self._steps = 0
        # By step s: the sum over later steps t of rate[t] * _RATIO ** (t - s) / decay from s to t, and the logarithm of
        # the product of all weight decays up to s. A row that was last read at s has moved by both since.
        self._missed = torch.zeros(1, dtype=torch.float64)
        self._log_decay = torch.zeros(1, dtype=torch.float64)
        self._tables: list[_Table] = []
        self._hooks: list[RemovableHandle] = []
        for module in modules:
            for table in module.modules():
                if isinstance(table, SparseTable) and table.sparse:
                    self._tables.append(_Table(cast("nn.Parameter", table.weight), table.padding_idx))
                    self._hooks.append(table.register_forward_pre_hook(self._before_reading(self._tables[-1])))

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The tables' weights."""
        return [table.weight for table in self._tables]

    def gradients(self) -> list[Tensor]:
        """The gradients of the rows that the last backward pass reached, one float32 [rows, width] a table.

        ``step`` applies these tensors, so scaling one in place scales the update.
        """
        return [table.gradient for table in self._tables if table.collect_gradient()]

    @torch.no_grad()
    def replace_gradients(self, replace: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        """Give ``replace`` the distinct rows [rows] and the gradient [rows, width] of each table, and take its own.

        It returns rows ascending, which some process has read.
        """
        for table in self._tables:
            if not table.collect_gradient():
                table.gradient = table.weight.new_zeros(0, table.weight.shape[1])
            table.rows, table.gradient = replace(table.rows, table.gradient)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the rows that the last backward pass reached, and note the step for all others."""
        self._steps += 1
        mean_share = 1 - _MEAN_DECAY**self._steps
        square_share = 1 - _SQUARE_DECAY**self._steps
        decay = 1 - learning_rate * self._weight_decay
        for table in self._tables:
            if not table.collect_gradient():
                continue
            rows, gradient = table.rows, table.gradient
            weight, mean, square = table.take(rows)
            mean.lerp_(gradient, 1 - _MEAN_DECAY)
            square.mul_(_SQUARE_DECAY).addcmul_(gradient, gradient, value=1 - _SQUARE_DECAY)
            divisor = (square.sqrt() / square_share**0.5).add_(_EPSILON)
            weight.mul_(decay).addcdiv_(mean, divisor, value=-learning_rate / mean_share)
            table.put(rows, weight, mean, square, self._steps)
            table.forget_gradient()
        self._note_step(learning_rate * square_share**0.5 / mean_share, decay)

    @torch.no_grad()
    def bring_up_to_date(self) -> None:
        """Apply the missed updates of every row."""
        for table in self._tables:
            table.put_back()
            for start in range(0, len(table.weight), _ROWS_AT_ONCE):
                end = min(start + _ROWS_AT_ONCE, len(table.weight))
                rows = torch.arange(start, end, device=table.weight.device)
                table.put(rows, *self._made_up(table, rows), self._steps)

    def detach(self) -> None:
        """Remove the hooks from the modules."""
        for hook in self._hooks:
            hook.remove()

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on beside the weights."""
        state = {"missed": self._missed, "log_decay": self._log_decay}
        for number, table in enumerate(self._tables):
            table.put_back()
            state |= {
                f"{number}.mean": table.mean,
                f"{number}.square": table.square,
                f"{number}.last_step": table.last_step,
            }
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        self._missed, self._log_decay = state["missed"].clone(), state["log_decay"].clone()
        self._steps = len(self._missed) - 1
        for number, table in enumerate(self._tables):
            table.held = None
            table.mean.copy_(state[f"{number}.mean"])
            table.square.copy_(state[f"{number}.square"])
            table.last_step.copy_(state[f"{number}.last_step"])

    def _before_reading(self, table: "_Table") -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def bring_rows_up_to_date(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            if module.training:
                with torch.no_grad():
                    table.put_back()
                    rows = torch.unique(arguments[0]).long()
                    if table.padding_row is not None:
                        rows = rows[rows != table.padding_row]
                    read = self._read_by_all(rows)
                    rows = rows if len(read) == 1 else torch.unique(torch.cat(list(read)))
                    table.hold(rows, *self._made_up(table, rows), self._steps)

        return bring_rows_up_to_date

    def _made_up(self, table: "_Table", rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weight, mean and square of distinct rows after the updates that they have missed since the last read."""
        last = table.last_step[rows].long().cpu()
        weight, mean, square = (each.index_select(0, rows) for each in (table.weight, table.mean, table.square))
        if not len(last) or int(last.min()) == self._steps:
            return weight, mean, square
        gap = self._steps - last
        device = table.weight.device
        change = self._missed[last].float().to(device).unsqueeze(1)
        shrinkage = (self._log_decay[-1] - self._log_decay[last]).exp().float().to(device).unsqueeze(1)
        mean_decay = torch.where(gap > _REMEMBERED, 0.0, _MEAN_DECAY ** gap.clamp(max=_REMEMBERED)).float()
        square_decay = (_SQUARE_DECAY ** gap.double()).float()
        weight.sub_((change * mean).div_(square.sqrt().add_(_EPSILON))).mul_(shrinkage)
        mean.mul_(mean_decay.to(device).unsqueeze(1))
        square.mul_(square_decay.to(device).unsqueeze(1))
        return weight, mean, square

    def _note_step(self, rate: float, decay: float) -> None:
        first = max(0, self._steps - _REMEMBERED)
        log_decay = self._log_decay[-1:] + math.log(max(decay, _SMALLEST_DECAY))
        powers = _RATIO ** torch.arange(self._steps - first, 0, -1, dtype=torch.float64)
        self._missed[first:] += rate * powers * (self._log_decay[first:] - log_decay).exp()
        self._missed = torch.cat([self._missed, self._missed.new_zeros(1)])
        self._log_decay = torch.cat([self._log_decay, log_decay])


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows that a batch reads, ascending, up to date with a step; the table itself has only their weight so far."""

    rows: Tensor
    weight: Tensor
    mean: Tensor
    square: Tensor
    step: int


class _Table:
    """A table with its moments, the step that each row is up to date with, and the gradient of the last batch.

    Between the reading of rows and the step that follows, the rows are also held apart: the step needs them again, and
    most of the cost of a row is the way to it in memory.
    """

    def __init__(self, weight: nn.Parameter, padding_row: int | None) -> None:
        self.weight = weight
        self.padding_row = padding_row  # has no gradient, and stays as it is
        self.held: _Held | None = None
        self.mean = torch.zeros_like(weight, requires_grad=False)
        self.square = torch.zeros_like(weight, requires_grad=False)
        self.last_step = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)
        self.rows = torch.zeros(0, dtype=torch.int64)
        self.gradient = torch.zeros(0)

    def collect_gradient(self) -> bool:
        """Take the gradient from the weight; whether there is one."""
        if self.weight.grad is not None:
            gradient = self.weight.grad
            rows = gradient._indices()[0]
            if len(rows) > 1 and not bool((rows.diff() > 0).all()):  # else each row stands once, in order
                gradient = gradient.coalesce()
            self.rows, self.gradient = gradient._indices()[0], gradient._values()
            self.weight.grad = None
        return len(self.rows) > 0

    def hold(self, rows: Tensor, weight: Tensor, mean: Tensor, square: Tensor, step: int) -> None:
        """Write the weight of rows that are about to be read, and keep the moments for ``take``."""
        self.weight.index_copy_(0, rows, weight)
        self.held = _Held(rows, weight, mean, square, step)

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Copies of the weight, mean and square of rows, which ``put`` must replace."""
        held, self.held = self.held, None
        if held is not None and torch.equal(held.rows, rows):
            return held.weight, held.mean, held.square
        if held is not None:
            self.put(held.rows, held.weight, held.mean, held.square, held.step)
        return self.weight.index_select(0, rows), self.mean.index_select(0, rows), self.square.index_select(0, rows)

    def put_back(self) -> None:
        """Write the held rows to the table, if no step has taken them."""
        if self.held is not None:
            self.put(self.held.rows, self.held.weight, self.held.mean, self.held.square, self.held.step)
            self.held = None

    def put(self, rows: Tensor, weight: Tensor, mean: Tensor, square: Tensor, step: int) -> None:
        """Replace rows by what they are after a step."""
        self.weight.index_copy_(0, rows, weight)
        self.mean.index_copy_(0, rows, mean)
        self.square.index_copy_(0, rows, square)
        self.last_step.index_fill_(0, rows, step)

    def forget_gradient(self) -> None:
        self.rows = self.rows[:0]
