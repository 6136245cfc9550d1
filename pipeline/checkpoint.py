"""The state of a training run after its last whole epoch, so that a run that was cut off goes on."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.trained_towers import EpochReport
from two_tower.model import PostTower, UserTower


class Checkpoint:
    """The state of a run after its last whole epoch, in one safetensors file."""

    def __init__(
        self,
        path: Path | None,
        user_tower: UserTower,
        post_tower: PostTower,
        optimizer: torch.optim.Optimizer,
        *,
        key: str,
    ) -> None:
        self.path = path
        self.modules = {"user_tower": user_tower, "post_tower": post_tower}
        self.optimizer = optimizer
        self.key = key

    def save(self, reports: list[EpochReport]) -> None:
        """Replace the file in one step; a crash leaves the epoch before."""
        if self.path is None:
            return
        tensors = {
            f"{module_name}.{name}": tensor
            for module_name, module in self.modules.items()
            for name, tensor in module.state_dict().items()
        }
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        metadata = {"key": self.key, "epochs": json.dumps([asdict(report) for report in reports])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".incomplete")
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)
        temporary.replace(self.path)

    def restore(self, reports: list[EpochReport]) -> None:
        """Take up the run in the file, if it is one of the same configuration and data."""
        if self.path is None or not self.path.exists():
            return
        with safe_open(self.path, framework="pt") as file:
            metadata = file.metadata()
            if metadata["key"] != self.key:
                return
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        for module_name, module in self.modules.items():
            prefix = f"{module_name}."
            module.load_state_dict(
                {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            )
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".", 2)
                state.setdefault(int(number), {})[field] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        reports.extend(EpochReport(**report) for report in json.loads(metadata["epochs"]))
