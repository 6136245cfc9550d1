"""The losses that training minimises, as functions of a batch and of the embeddings of its users and candidates.

Each takes ``users`` [batch, dimension] and ``posts`` [candidates, dimension] and returns a scalar.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from pipeline.training_config import Objective, TrainingConfig
from pipeline.training_examples import Batch

Loss = Callable[[Tensor, Tensor, Batch, TrainingConfig], Tensor]


def softmax_loss(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
    """Sampled softmax over targets and uniform posts (Yang et al. 2020), with logQ correction (Yi et al. 2019)."""
    logits = (users @ posts.T).div_(config.temperature).sub_(batch.log_expected)  # [batch, candidates], the largest
    logits = logits.masked_fill_(batch.is_known, float("-inf"))  # tensor of a step: in place, none is copied
    losses = functional.cross_entropy(logits, batch.labels, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum()


def bce_loss(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
    """Binary cross-entropy of the target against one random post."""
    wanted = (users * posts[batch.labels]).sum(dim=-1) / config.temperature
    unwanted = (users * posts[batch.negatives]).sum(dim=-1) / config.temperature
    losses = functional.softplus(-wanted) + functional.softplus(unwanted)
    return (losses * batch.weights).sum() / batch.weights.sum()


def mse_loss(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
    """Squared error of the inner product against the interaction score, on observed pairs: the predecessor's."""
    del config
    return functional.mse_loss((users * posts[batch.labels]).sum(dim=-1), batch.strengths)


def mse_negatives_loss(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
    """Squared error of the inner product: 1 for the target, 0 for one random post."""
    del config
    wanted = (users * posts[batch.labels]).sum(dim=-1)
    unwanted = (users * posts[batch.negatives]).sum(dim=-1)
    return ((wanted - 1) ** 2 + unwanted**2).mean()


LOSSES: dict[Objective, Loss] = {
    Objective.SOFTMAX: softmax_loss,
    Objective.BCE: bce_loss,
    Objective.MSE: mse_loss,
    Objective.MSE_NEGATIVES: mse_negatives_loss,
}
WEIGHTED = frozenset({Objective.SOFTMAX, Objective.BCE})
"""The objectives whose loss is a mean by the weights of the examples; that of the others is a plain mean."""
