"""The two towers: a person's history and a post, each as a unit vector; their inner product is the score.

Structure: the history-based user tower of YouTube's and X's retrieval models (Covington et al. 2016), the items of the
history sharing their representation with the post tower as in SASRec (Kang and McAuley 2018).
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from two_tower.features import NUMERIC_FEATURES, VERBS, Histories


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """Everything that fixes the shape of the two towers; a fact of the bundle, never a setting of a service."""

    text_dimension: int
    post_count: int
    category_count: int  # row 0 stands for none and for categories unknown at training time
    tower_dimension: int = 64
    representation_dimension: int = 48  # the part of an embedding that tastes meet; the rest is popularity
    hidden_dimension: int = 128
    history_length: int = 50
    heads: int = 4  # poolings of the history, each with a query of its own
    id_dropout: float = 0.5  # share of posts that training treats as never seen before
    dropout: float = 0.1

    def as_facts(self) -> dict[str, int | float | str]:
        """The fields for the manifest."""
        return dict(asdict(self))

    @classmethod
    def from_facts(cls, facts: dict[str, int | float | str]) -> Self:
        """Read the manifest's fields; TypeError if one is missing or unknown."""
        return cls(**facts)  # type: ignore[arg-type]


class HistoryTensors(NamedTuple):
    """A batch of padded histories, all [batch, length]; see features.Histories."""

    rows: Tensor
    verbs: Tensor
    strengths: Tensor
    ages: Tensor
    is_event: Tensor


def history_tensors(histories: Histories, device: torch.device | str = "cpu") -> HistoryTensors:
    """Move padded histories to a device."""
    return HistoryTensors(
        rows=torch.from_numpy(histories.rows).to(device),
        verbs=torch.from_numpy(histories.verbs).to(device),
        strengths=torch.from_numpy(histories.strengths).to(device),
        ages=torch.from_numpy(histories.ages).to(device),
        is_event=torch.from_numpy(histories.is_event).to(device),
    )


class PostTower(nn.Module):
    """A post's text, category and id give its representation; with what is known of its popularity, its embedding.

    An embedding has two parts: the representation, which a user's taste meets, and the popularity part, which what is
    liked by all meets. One scale is learnt for the former, so that neither drowns the other.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.representation_dimension
        self.text = nn.Linear(config.text_dimension, width)
        self.category = nn.Embedding(config.category_count, width)
        self.identity = nn.Embedding(config.post_count, width)
        self.norm = nn.LayerNorm(width)
        self.taste_scale = nn.Parameter(torch.tensor(1.0))
        self.popularity = nn.Sequential(
            nn.Linear(len(NUMERIC_FEATURES), config.hidden_dimension),
            nn.GELU(),
            nn.Linear(config.hidden_dimension, config.tower_dimension - width),
        )
        self.id_dropout = config.id_dropout
        nn.init.normal_(self.category.weight, std=0.02)
        nn.init.normal_(self.identity.weight, std=0.02)

    def start_from(self, text: Tensor) -> None:
        """Begin with the whitened principal components of the texts [posts, text dimension].

        The texts of one catalogue are all alike in most directions; people's tastes differ in those where they vary.
        """
        mean = text.mean(dim=0)
        _, deviations, components = torch.linalg.svd(text - mean, full_matrices=False)
        width = min(self.text.out_features, len(components))
        scales = deviations[:width] / max(len(text) - 1, 1) ** 0.5
        with torch.no_grad():
            self.text.weight.zero_()
            self.text.weight[:width] = components[:width] / scales.clamp(min=scales.max() * 0.05).unsqueeze(-1)
            self.text.bias.copy_(-(self.text.weight @ mean))

    def represent(self, text: Tensor, category_rows: Tensor, post_rows: Tensor) -> Tensor:
        """Representations [posts, representation_dimension] of what a post is, whenever one looks at it.

        ``post_rows`` int64 [posts] is the row of the id embedding, -1 for a post unknown at training time.
        """
        is_known = (post_rows >= 0).unsqueeze(-1)
        if self.training:
            is_known = is_known & (torch.rand(is_known.shape, device=is_known.device) >= self.id_dropout)
        identity = self.identity(post_rows.clamp(min=0)) * is_known
        return self.norm(self.text(text) + self.category(category_rows) + identity)  # type: ignore[no-any-return]

    def forward(self, representations: Tensor, numeric: Tensor) -> Tensor:
        """Unit embeddings [posts, tower_dimension] at the moment that ``numeric`` [posts, features] describes."""
        taste = self.taste_scale * representations / representations.shape[-1] ** 0.5
        return functional.normalize(torch.cat([taste, self.popularity(numeric)], dim=-1), dim=-1)


class UserTower(nn.Module):
    """A history gives a person's embedding; an empty one gives what people without a history like."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.representation_dimension
        self.verb = nn.Embedding(len(VERBS), width)
        self.event = nn.Linear(2, width)  # strength and age
        self.position = nn.Embedding(config.history_length, width)  # 0 = oldest place, newest event last
        self.nothing = nn.Parameter(torch.zeros(width))  # always there to be looked at, so an empty history works
        self.attention = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, config.heads))
        self.taste = nn.Linear(config.heads * width, width)
        self.rest = nn.Sequential(
            nn.Linear(config.heads * width, config.hidden_dimension),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_dimension, config.tower_dimension),
        )
        for embedding in (self.verb, self.position):
            nn.init.normal_(embedding.weight, std=0.02)
        nn.init.normal_(self.event.weight, std=0.02)
        with torch.no_grad():  # a person begins as the mean of what they met, as posts see it
            self.taste.weight.copy_(torch.eye(width).repeat(1, config.heads) / (config.heads * width**0.5))
            self.taste.bias.zero_()

    def forward(self, representations: Tensor, history: HistoryTensors) -> Tensor:
        """Unit embeddings [batch, tower_dimension] of histories over ``representations`` [posts, width]."""
        length = history.rows.shape[1]
        positions = torch.arange(self.position.num_embeddings - length, self.position.num_embeddings)
        events = (
            representations[history.rows]
            + self.verb(history.verbs)
            + self.event(torch.stack([history.strengths, history.ages], dim=-1))
            + self.position(positions.to(history.rows.device))
        )  # [batch, length, width]
        items = torch.cat([self.nothing.expand(len(events), 1, -1), events], dim=1)  # [batch, 1 + length, width]
        is_item = functional.pad(history.is_event, (1, 0), value=True)
        attention = self.attention(items).masked_fill(~is_item.unsqueeze(-1), float("-inf")).softmax(dim=1)
        pooled = torch.einsum("bih,biw->bhw", attention, items).flatten(1)  # [batch, heads * width]
        taste, rest = self.taste(pooled), self.rest(pooled)
        return functional.normalize(functional.pad(taste, (0, rest.shape[-1] - taste.shape[-1])) + rest, dim=-1)
