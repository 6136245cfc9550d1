"""The modules that encode users in training: the user tower, and two simpler ones that ``ablate`` compares it with."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.training_config import TrainingConfig
from two_tower.model import HistoryTensors, UserTower
from two_tower.tower_config import TowerConfig

_ORDER_DECAY = 0.8  # weight of a post relative to that of the next newer one


class ByHistory(nn.Module):
    """The user tower, which reads nothing but the history."""

    def __init__(self, tower: UserTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, representations: Tensor, history: HistoryTensors, user_rows: Tensor) -> Tensor:
        """Unit vectors [batch, learned_dimension]."""
        del user_rows
        return self.tower(representations, history)  # type: ignore[no-any-return]


class ByPooledHistory(nn.Module):
    """The plain two-tower: the mean of the history, weighted towards its newest posts, through one linear layer."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.out = nn.Linear(config.representation_dimension, config.learned_dimension)
        with torch.no_grad():
            self.out.weight[: config.representation_dimension].copy_(torch.eye(config.representation_dimension))

    def forward(self, representations: Tensor, history: HistoryTensors, user_rows: Tensor) -> Tensor:
        """Unit vectors [batch, learned_dimension]."""
        del user_rows
        length = history.rows.shape[1]
        later = torch.arange(length - 1, -1, -1, device=history.rows.device)
        weights = _ORDER_DECAY**later * history.is_event
        weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)
        pooled = torch.einsum("bl,blw->bw", weights, representations[history.rows])
        return functional.normalize(self.out(pooled), dim=-1)


class ById(nn.Module):
    """One embedding for each user, like the predecessor: later interactions do not change it."""

    def __init__(self, user_count: int, config: TowerConfig) -> None:
        super().__init__()
        self.identity = nn.Embedding(user_count, config.learned_dimension, sparse=True)
        nn.init.normal_(self.identity.weight, std=0.1)

    def forward(self, representations: Tensor, history: HistoryTensors, user_rows: Tensor) -> Tensor:
        """Unit vectors [batch, learned_dimension]."""
        del representations, history
        return functional.normalize(self.identity(user_rows), dim=-1)


def by_history(user_count: int, config: TowerConfig, training: TrainingConfig) -> ByHistory:
    """The product's user tower."""
    del user_count
    return ByHistory(UserTower(config, dropout=training.dropout, packs_histories=training.packs_histories))


def by_pooled_history(user_count: int, config: TowerConfig, training: TrainingConfig) -> ByPooledHistory:
    """The plain two-tower's mean."""
    del user_count, training
    return ByPooledHistory(config)


def by_id(user_count: int, config: TowerConfig, training: TrainingConfig) -> ById:
    """The predecessor's embedding of each user."""
    del training
    return ById(user_count, config)
