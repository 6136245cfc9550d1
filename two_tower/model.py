"""The two towers: a person's history and a post, each as a unit vector; their inner product is the score.

Structure: the history-based user tower of YouTube's and X's retrieval models (Covington et al. 2016), with the
transformer and the shared item representations of SASRec (Kang and McAuley 2018).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bundle.verbs import VERBS
from two_tower.features import NUMERIC_FEATURES, TREND_COLUMN, Histories
from two_tower.tower_config import TowerConfig, newness_of

_BESIDE_MEAN = 0.2  # of the transformer's say in a taste, at first, where the mean of the history has one


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


class PostTensors(NamedTuple):
    """What posts are: ``text`` float32 [posts, text dimension], ``words`` int64 [posts, words] (0 = none).

    ``category_rows`` int64 [posts] (0 = none), ``post_rows`` int64 [posts]: the row of the id embedding, -1 for a post
    unknown at training time.
    """

    text: Tensor
    words: Tensor
    category_rows: Tensor
    post_rows: Tensor


class PostTower(nn.Module):
    """A post's text, words, category and id give its representation; with its popularity, its embedding.

    An embedding has two parts: the representation, which a user's taste meets, and the popularity part, which what is
    liked by all meets; the first component of the latter is the trend itself, so that who follows nothing else gets the
    posts in its order. One scale is learnt for taste and trend each, so that none drowns the others.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.representation_dimension
        self.text = nn.Linear(config.text_dimension, width)
        self.words = nn.Embedding(config.word_count + 1, width, padding_idx=0)
        self.category = nn.Embedding(config.category_count, width)
        self.identity = nn.Embedding(config.post_count, width)
        self.norm = nn.LayerNorm(width)
        self.taste_scale = nn.Parameter(torch.tensor(1.0))
        self.trend_scale = nn.Parameter(torch.tensor(0.1))
        self.hidden = nn.Linear(len(NUMERIC_FEATURES), config.hidden_dimension)
        self.popularity = nn.Linear(config.hidden_dimension, config.learned_dimension - width - 1)
        self.id_dropout = config.id_dropout
        self.word_dropout = config.word_dropout
        self.new_post_bonus = config.new_post_bonus
        nn.init.zeros_(self.words.weight)
        nn.init.zeros_(self.popularity.weight)  # the trend alone, until the other features show their worth
        nn.init.zeros_(self.popularity.bias)
        nn.init.normal_(self.category.weight, std=0.02)
        nn.init.zeros_(self.identity.weight)  # and so it stays where a post is never met: the text speaks alone

    def start_from(self, text: Tensor, *, scale: float) -> None:
        """Begin with the whitened principal components of the texts [posts, text dimension], times ``scale``.

        The texts of one catalogue are all alike in most directions; people's tastes differ in those where they vary.
        The smaller the scale, the sooner what is learnt of a post outweighs its text.
        """
        mean = text.mean(dim=0)
        _, deviations, components = torch.linalg.svd(text - mean, full_matrices=False)
        width = min(self.text.out_features, len(components))
        scales = (deviations[:width] / max(len(text) - 1, 1) ** 0.5).clamp(min=1e-6) / scale
        with torch.no_grad():
            self.text.weight.zero_()
            self.text.weight[:width] = components[:width] / scales.clamp(min=scales.max() * 0.05).unsqueeze(-1)
            self.text.bias.copy_(-(self.text.weight @ mean))

    def represent(self, posts: PostTensors) -> Tensor:
        """Representations [posts, representation_dimension] of what a post is, whenever one looks at it."""
        is_known = (posts.post_rows >= 0).unsqueeze(-1)
        has_word = posts.words > 0  # [posts, words]
        if self.training:
            is_known = is_known & (torch.rand(is_known.shape, device=is_known.device) >= self.id_dropout)
            has_word = has_word & (torch.rand(has_word.shape, device=has_word.device) >= self.word_dropout)
        identity = self.identity(posts.post_rows.clamp(min=0)) * is_known
        words = self.words(posts.words * has_word).sum(dim=1) / has_word.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        content = self.text(posts.text) + words + self.category(posts.category_rows)
        return self.norm(content + identity)  # type: ignore[no-any-return]

    def forward(self, representations: Tensor, numeric: Tensor) -> Tensor:
        """Unit vectors [posts, learned_dimension] at the moment that ``numeric`` [posts, features] describes."""
        taste = self.taste_scale * representations / representations.shape[-1] ** 0.5
        trend = torch.tanh(self.trend_scale.abs() * numeric[:, TREND_COLUMN:])
        rest = functional.normalize(
            torch.cat([taste, self.popularity(functional.gelu(self.hidden(numeric)))], dim=-1), dim=-1
        )
        rest = (1 - trend**2).sqrt() * rest
        width = representations.shape[-1]
        return torch.cat([rest[:, :width], trend, rest[:, width:]], dim=-1)

    def embed(self, representations: Tensor, numeric: Tensor, is_new: Tensor) -> Tensor:
        """Unit embeddings [posts, tower_dimension]; ``is_new`` bool [posts]: nobody has met the post."""
        newness = newness_of(self.new_post_bonus) * torch.where(is_new, 1.0, -1.0).unsqueeze(-1)
        return _with_newness(self(representations, numeric), newness)


class UserTower(nn.Module):
    """A history gives a person's embedding; an empty one gives what people without a history like.

    One transformer block over the history, read where the newest event stands: of a single causal block (SASRec, Kang
    and McAuley 2018) that is all that its last position sees, at a fraction of the arithmetic.
    """

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.representation_dimension
        self.heads = config.heads
        self.dropout = config.dropout
        self.new_post_bonus = config.new_post_bonus
        self.newcomers_follow_trend = config.newcomers_follow_trend
        self.verb = nn.Embedding(len(VERBS), width)
        self.event = nn.Linear(2, width)  # strength and age
        self.position = nn.Embedding(config.history_length, width)  # 0 = oldest place, newest event last
        self.nothing = nn.Parameter(torch.zeros(width))  # always there to be looked at, so an empty history works
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.attended = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(config.dropout),
        )
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.learned_dimension)
        for embedding in (self.verb, self.position):
            nn.init.normal_(embedding.weight, std=0.02)
        nn.init.normal_(self.event.weight, std=0.02)
        nn.init.normal_(self.nothing, std=0.02)
        self.mean_scale = nn.Parameter(torch.tensor(config.taste_from_mean)) if config.taste_from_mean else None
        with torch.no_grad():  # a person begins with the taste of the newest post, as posts see it
            self.out.weight[:width].copy_(torch.eye(width) * (_BESIDE_MEAN if config.taste_from_mean else 1.0))
            self.out.bias[:width].zero_()

    def forward(self, representations: Tensor, history: HistoryTensors) -> Tensor:
        """Unit vectors [batch, learned_dimension] of histories over ``representations`` [posts, width]."""
        batch, length = history.rows.shape
        width = representations.shape[-1]
        is_event = history.is_event
        places = torch.arange(self.position.num_embeddings - length, self.position.num_embeddings)
        places = places.to(history.rows.device).expand(batch, length)[is_event]
        events = (  # only what is there: most of a batch is padding
            representations[history.rows[is_event]]
            + self.verb(history.verbs[is_event])
            + self.event(torch.stack([history.strengths[is_event], history.ages[is_event]], dim=-1))
            + self.position(places)
        )  # [events, width]
        is_item = functional.pad(is_event, (1, 0), value=True)  # [batch, 1 + length]; nothing comes first
        items = self.nothing.new_zeros(batch, 1 + length, width)
        items[:, 0] = self.nothing
        items[:, 1:][is_event] = events
        present = functional.dropout(items[is_item], self.dropout, self.training)  # [items, width]
        has_events = is_event.any(dim=1)
        newest = torch.cumsum(is_item.sum(dim=1), dim=0) - 1  # histories end with their newest event, or with nothing
        latest = torch.where(has_events.unsqueeze(-1), present[newest], self.nothing)

        normed = self.attention_norm(present)
        keys_values = normed.new_zeros(batch, 1 + length, 2 * width)
        keys_values[is_item] = self.key_value(normed)
        keys, values = keys_values.view(batch, 1 + length, 2, self.heads, -1).unbind(dim=2)  # [batch, items, heads, .]
        queries = self.query(self.attention_norm(latest)).view(batch, self.heads, -1)
        closeness = torch.einsum("bhw,bihw->bhi", queries, keys) / queries.shape[-1] ** 0.5
        attention = closeness.masked_fill(~is_item.unsqueeze(1), float("-inf")).softmax(dim=-1)
        pooled = self.attended(torch.einsum("bhi,bihw->bhw", attention, values).flatten(1))
        state = latest + functional.dropout(pooled, self.dropout, self.training)
        state = state + self.feed_forward(state)
        taste, trend, popularity = self.out(self.out_norm(state)).split(
            [width, 1, self.out.out_features - width - 1], -1
        )
        if self.mean_scale is not None:
            taste = taste + self.mean_scale * _mean_of_history(representations, history)
        if self.newcomers_follow_trend:
            taste, popularity = (part * has_events.unsqueeze(-1) for part in (taste, popularity))
        return functional.normalize(torch.cat([taste, functional.softplus(trend), popularity], dim=-1), dim=-1)

    def embed(self, representations: Tensor, history: HistoryTensors) -> Tensor:
        """Unit embeddings [batch, tower_dimension] of histories over ``representations`` [posts, width]."""
        return welcome_new_posts(self(representations, history), self.new_post_bonus)


def _mean_of_history(representations: Tensor, history: HistoryTensors) -> Tensor:
    """What was met, the strongest counting most: [batch, width], zeros for an empty history."""
    weights = (history.is_event * (0.5 + history.strengths)).unsqueeze(-1)
    return (representations[history.rows] * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def welcome_new_posts(users: Tensor, bonus: float) -> Tensor:
    """Users' unit vectors [batch, learned_dimension] as embeddings [batch, tower_dimension] that new posts please."""
    return _with_newness(users, users.new_full((len(users), 1), newness_of(bonus)))


def _with_newness(vectors: Tensor, newness: Tensor) -> Tensor:
    return torch.cat([vectors * (1 - newness**2).sqrt(), newness], dim=-1)
