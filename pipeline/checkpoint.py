"""The state of a training run after its last complete epoch, from which an interrupted run resumes."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.trained_towers import EpochReport
from pipeline.whole_files import whole_file


class Checkpoint:
    """The state of a run after its last complete epoch, in one safetensors file; without a path nothing is saved."""

    def __init__(
        self,
        path: Path | None,
        user_tower: nn.Module,
        post_tower: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        key: str,
    ) -> None:
        self.path = path
        self.modules = {"user_tower": user_tower, "post_tower": post_tower}
        self.best = {name: _copy(module) for name, module in self.modules.items()}
        self.optimizer = optimizer
        self.key = key

    def keep_as_best(self) -> None:
        """Remember the current towers."""
        self.best = {name: _copy(module) for name, module in self.modules.items()}

    def return_to_best(self) -> None:
        """Load the weights of the best epoch back into the towers."""
        for name, module in self.modules.items():
            module.load_state_dict(self.best[name])

    def save(self, reports: list[EpochReport]) -> None:
        """Replace the file in one step; a crash leaves the previous epoch's file."""
        if self.path is None:
            return
        tensors = {
            f"{module_name}.{name}": tensor
            for module_name, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }
        for module_name, state_dict in self.best.items():
            tensors |= {f"best.{module_name}.{name}": tensor for name, tensor in state_dict.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        metadata = {"key": self.key, "epochs": json.dumps([asdict(report) for report in reports])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)

    def restore(self, reports: list[EpochReport]) -> None:
        """Resume the run in the file, if its configuration and data are the same."""
        if self.path is None or not self.path.exists():
            return
        with safe_open(self.path, framework="pt") as file:
            metadata = file.metadata()
            if metadata["key"] != self.key:
                return
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        for module_name, module in self.modules.items():
            module.load_state_dict(_below(f"{module_name}.", tensors))
            self.best[module_name] = _below(f"best.{module_name}.", tensors)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".", 2)
                state.setdefault(int(number), {})[field] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        reports.extend(EpochReport(**report) for report in json.loads(metadata["epochs"]))


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
