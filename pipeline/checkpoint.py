"""The state of a training run after any of its steps, from which an interrupted run resumes."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.row_optimizer import RowAdamW
from pipeline.trained_towers import EpochReport
from pipeline.whole_files import whole_file

LAYOUT = 2  # increase it when a file of an earlier version must not be resumed
_SAVED_EVERY_SECONDS = 120.0


class CheckpointError(Exception):
    """A checkpoint cannot be read: names the file and what to do."""


@dataclass(slots=True)
class RunState:
    """How far a run has come: its complete epochs, and the loss and size of each batch since."""

    reports: list[EpochReport] = field(default_factory=list)
    losses: list[tuple[float, int]] = field(default_factory=list)

    @property
    def steps_done(self) -> int:
        """The steps of the epoch that is not complete."""
        return len(self.losses)


class Checkpoint:
    """The state of a run in one safetensors file; without a path, or if it only reads, nothing is saved.

    A step draws from a generator seeded by the seed and the number of the step, so no random state is saved.
    """

    def __init__(
        self,
        path: Path | None,
        user_tower: nn.Module,
        post_tower: nn.Module,
        optimizer: torch.optim.Optimizer,
        tables: RowAdamW,
        *,
        key: str,
        clock: Callable[[], float],
        writes: bool = True,
    ) -> None:
        self.path = path
        self._writes = writes
        self.modules = {"user_tower": user_tower, "post_tower": post_tower}
        self.best: dict[str, dict[str, Tensor]] = {}
        self.optimizer = optimizer
        self.tables = tables
        self.key = key
        self._clock = clock
        self._saved_at = clock()

    def keep_as_best(self) -> None:
        """Remember the current towers."""
        for name, module in self.modules.items():
            kept = self.best.setdefault(name, {})
            for key, tensor in module.state_dict().items():
                kept[key] = kept[key].copy_(tensor) if key in kept else tensor.detach().clone()

    def return_to_best(self) -> None:
        """Load the weights of the best epoch back into the towers, if an epoch is complete."""
        for name, state in self.best.items():
            self.modules[name].load_state_dict(state)

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return self.path is not None and self._writes and self._clock() - self._saved_at >= _SAVED_EVERY_SECONDS

    def save(self, state: RunState) -> None:
        """Replace the file atomically; after a crash the previous file stays."""
        self._saved_at = self._clock()
        if self.path is None or not self._writes:
            return
        tensors = {
            f"{module_name}.{name}": tensor
            for module_name, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }
        for module_name, state_dict in self.best.items():
            tensors |= {f"best.{module_name}.{name}": tensor for name, tensor in state_dict.items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
        tensors |= {f"tables.{name}": tensor for name, tensor in self.tables.state().items()}
        tensors["losses"] = torch.tensor(state.losses, dtype=torch.float64)
        metadata = {"key": self.key, "epochs": json.dumps([asdict(report) for report in state.reports])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)

    def restore(self, state: RunState) -> bool:
        """Resume the run in the file if its configuration and data are the same; CheckpointError if it is damaged."""
        if self.path is None or not self.path.exists():
            return False
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("key") != self.key:
                    return False
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{self.path} cannot be read ({error}): delete it to train from the start") from error
        for module_name, module in self.modules.items():
            module.load_state_dict(_below(f"{module_name}.", tensors))
            if best := _below(f"best.{module_name}.", tensors):
                self.best[module_name] = {name: tensor.clone() for name, tensor in best.items()}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below("optimizer.", tensors).items():
            number, entry = name.split(".", 1)
            moments.setdefault(int(number), {})[entry] = tensor.clone()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        self.tables.restore(_below("tables.", tensors))
        state.reports.extend(EpochReport(**report) for report in json.loads(metadata["epochs"]))
        state.losses.extend((float(loss), int(size)) for loss, size in tensors["losses"].tolist())
        return True


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
