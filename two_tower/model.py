"""The two towers: a user's history and a post each become a unit vector; the inner product of the two is the score.

The structure is that of the history-based user tower in YouTube's and X's retrieval models (Covington et al. 2016),
with the transformer and the shared item representations of SASRec (Kang and McAuley 2018). numpy_towers.py computes the
same in inference mode, in steps of the same names.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bundle.verbs import VERBS
from two_tower.attention import attend_packed, attend_padded
from two_tower.features import NUMERIC_FEATURES, TREND_COLUMN, Histories
from two_tower.row_draws import Part, RowDropout, uniform_like
from two_tower.tower_config import TowerConfig, newness_of

_ROWS_AT_ONCE = 8192
_SMALLEST_WEIGHT = 1e-9
_BESIDE_MEAN = 0.2  # initial weight of the transformer's output in a taste, beside the mean of the history


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
    """The contents of posts: ``text`` float32 [posts, text dimension], ``words`` int64 [posts, words] (0 = none).

    ``category_rows`` int64 [posts] (0 = none), ``post_rows`` int64 [posts]: the row of the id embedding, or -1 for a
    post unknown at training time.
    """

    text: Tensor
    words: Tensor
    category_rows: Tensor
    post_rows: Tensor


class PostTower(nn.Module):
    """A post's text, words, category and id give its representation; with its popularity, they give its embedding.

    An embedding has three parts: the representation, which is multiplied with a user's taste; the trend, one number;
    and the rest of the popularity. A user whose embedding is zero but for the trend gets the posts in the order of the
    trend. Taste and trend each have a learnt scale, so that neither outweighs the other.

    In training, ``id_dropout`` is the share of posts that are treated as unknown, and ``word_dropout`` is the share of
    words that are left out. With a ``history_id_dropout`` a post is unknown as an item of histories with that share and
    as a candidate with ``id_dropout``, drawn apart: people with known histories then meet unknown posts. The tables of
    ids and of words have sparse gradients: a batch reaches few of their rows.
    """

    def __init__(
        self,
        config: TowerConfig,
        *,
        id_dropout: float = 0.0,
        history_id_dropout: float | None = None,
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        width = config.representation_dimension
        self.text = nn.Linear(config.text_dimension, width)
        self.words = nn.EmbeddingBag(config.word_count + 1, width, mode="sum", padding_idx=0, sparse=True)
        self.category = nn.Embedding(config.category_count, width)
        self.identity = nn.Embedding(config.post_count, width, sparse=True)
        self.norm = nn.LayerNorm(width)
        self.taste_scale = nn.Parameter(torch.tensor(1.0))
        self.trend_scale = nn.Parameter(torch.tensor(0.1))
        self.hidden = nn.Linear(len(NUMERIC_FEATURES), config.hidden_dimension)
        self.popularity = nn.Linear(config.hidden_dimension, config.learned_dimension - width - 1)
        self.id_dropout = id_dropout
        self.history_id_dropout = history_id_dropout
        self.word_dropout = word_dropout
        self.new_post_bonus = config.new_post_bonus
        self.part: Part | None = None  # of the posts of a batch that a process shares with others
        nn.init.zeros_(self.words.weight)
        nn.init.zeros_(self.popularity.weight)  # at first only the trend counts
        nn.init.zeros_(self.popularity.bias)
        nn.init.normal_(self.category.weight, std=0.02)
        nn.init.zeros_(self.identity.weight)  # stays zero for a post without interactions

    def start_from(self, text: NDArray[np.float32], *, scale: float) -> None:
        """Initialise the text layer with the whitened principal components of ``text`` [posts, text dimension].

        The texts of a catalogue are alike in most directions, and tastes differ in the directions in which they vary.
        The smaller the ``scale`` of the components, the sooner the learnt id embedding outweighs the text.
        """
        mean, variances, components = _principal_components(text)
        width = min(self.text.out_features, len(components))
        scales = np.maximum(np.sqrt(variances[:width]), 1e-6) / scale
        weight = np.zeros(self.text.weight.shape)
        weight[:width] = components[:width] / np.maximum(scales, scales.max() * 0.05)[:, None]
        with torch.no_grad():
            self.text.weight.copy_(torch.from_numpy(weight))
            self.text.bias.copy_(torch.from_numpy(-(weight @ mean)))

    def represent(self, posts: PostTensors) -> Tensor:
        """Representations [posts, representation_dimension]; they do not depend on the moment."""
        return self.represent_twice(posts)[1]

    def represent_twice(self, posts: PostTensors) -> tuple[Tensor, Tensor]:
        """Representations as items of histories and as candidates; they differ in training with a dropout of each."""
        # Representation: text, words, category and id
        is_known = (posts.post_rows >= 0).unsqueeze(-1)
        has_word = posts.words > 0  # [posts, words]
        is_known_item = None
        if self.training:
            if self.history_id_dropout is not None:
                is_known_item = is_known & (uniform_like(is_known, self.part) >= self.history_id_dropout)
            is_known = is_known & (uniform_like(is_known, self.part) >= self.id_dropout)
            has_word = has_word & (uniform_like(has_word, self.part) >= self.word_dropout)
        identity = self.identity(posts.post_rows.clamp(min=0))
        words = self._sum_of_words(posts.words * has_word) / has_word.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        content = self.text(posts.text) + words + self.category(posts.category_rows)
        candidates = self.norm(content + identity * is_known)
        items = candidates if is_known_item is None else self.norm(content + identity * is_known_item)
        return items, candidates

    def _sum_of_words(self, words: Tensor) -> Tensor:
        """The sum of each row's words, [posts, words] to [posts, width]; a word of several posts is read once."""
        is_word = words > 0
        counts = is_word.sum(dim=1)
        distinct, places = torch.unique(words[is_word], return_inverse=True)
        vectors = self.words(distinct.unsqueeze(1))  # [distinct words, width]
        return functional.embedding_bag(places, vectors, torch.cumsum(counts, dim=0) - counts, mode="sum")

    def forward(self, representations: Tensor, numeric: Tensor) -> Tensor:
        """Unit vectors [posts, learned_dimension] at the moment that ``numeric`` [posts, features] describes."""
        width = representations.shape[-1]

        # Taste, trend and popularity
        taste = self.taste_scale * representations / width**0.5
        trend = torch.tanh(self.trend_scale.abs() * numeric[:, TREND_COLUMN:])
        popularity = self.popularity(functional.gelu(self.hidden(numeric), approximate="tanh"))

        # Unit vector
        rest = (1 - trend**2).sqrt() * functional.normalize(torch.cat([taste, popularity], dim=-1), dim=-1)
        return torch.cat([rest[:, :width], trend, rest[:, width:]], dim=-1)

    def embed(self, representations: Tensor, numeric: Tensor, is_new: Tensor) -> Tensor:
        """Unit embeddings [posts, tower_dimension]; ``is_new`` bool [posts]: the post has no interactions."""
        newness = newness_of(self.new_post_bonus) * torch.where(is_new, 1.0, -1.0).unsqueeze(-1)
        return _with_newness(self(representations, numeric), newness)


class UserTower(nn.Module):
    """A history gives a user's embedding; an empty one gives what users without a history like.

    It is one transformer block, of which only the output at the newest event is computed. A causal block (SASRec, Kang
    and McAuley 2018) has the same output there, at many times the arithmetic. With an ``order_decay`` the mean of all
    events takes the place of the newest one, and each place of the history has a learnt weight in it. ``dropout`` is
    the share of numbers that training sets to zero in the items and in both branches of the block. With
    ``packs_histories`` the keys and values of padding are not made: the same numbers but for rounding, in a fraction of
    the time where most of a batch is padding.
    """

    def __init__(self, config: TowerConfig, *, dropout: float = 0.0, packs_histories: bool = False) -> None:
        super().__init__()
        width = config.representation_dimension
        self.heads = config.heads
        self.drop_items = RowDropout(dropout, of_items=True)
        self.drop = RowDropout(dropout)
        self.packs_histories = packs_histories
        self.new_post_bonus = config.new_post_bonus
        self.newcomers_follow_trend = config.newcomers_follow_trend
        self.verb = nn.Embedding(len(VERBS), width)
        self.event = nn.Linear(2, width)  # strength and age
        self.position = nn.Embedding(config.history_length, width)  # 0 = oldest position; the newest event has the last
        self.nothing = nn.Parameter(torch.zeros(width))  # attended to beside the events, so that an empty history works
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.attended = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(approximate="tanh"),
            RowDropout(dropout),
            nn.Linear(2 * width, width),
            RowDropout(dropout),
        )
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.learned_dimension)
        for embedding in (self.verb, self.position):
            nn.init.normal_(embedding.weight, std=0.02)
        nn.init.normal_(self.event.weight, std=0.02)
        nn.init.normal_(self.nothing, std=0.02)
        self.mean_scale = nn.Parameter(torch.tensor(config.taste_from_mean)) if config.taste_from_mean else None
        older = torch.arange(config.history_length - 1, -1, -1.0)  # 0 = newest
        self.order = nn.Parameter(older * math.log(config.order_decay)) if config.order_decay else None
        with torch.no_grad():  # at first a taste is the representation of the newest post
            self.out.weight[:width].copy_(torch.eye(width) * (_BESIDE_MEAN if config.taste_from_mean else 1.0))
            self.out.bias[:width].zero_()

    def forward(self, representations: Tensor, history: HistoryTensors) -> Tensor:
        """Unit vectors [batch, learned_dimension] of histories over ``representations`` [posts, width]."""
        batch, length = history.rows.shape
        width = representations.shape[-1]
        is_event = history.is_event

        # Items: an item that stands for nothing, then one item an event (most of a batch is padding, which is left out)
        owners, columns = is_event.nonzero(as_tuple=True)  # [events] in order of owner, then of time
        posts = representations.index_select(0, history.rows[owners, columns])
        strengths = history.strengths[owners, columns]
        positions = columns + (self.position.num_embeddings - length)
        events = (
            posts
            + self.verb(history.verbs[owners, columns])
            + self.event(torch.stack([strengths, history.ages[owners, columns]], dim=-1))
            + self.position(positions)
        )  # [events, width]
        is_item = functional.pad(is_event, (1, 0), value=True)  # [batch, 1 + length]
        places = is_item.flatten().nonzero().squeeze(1)  # [items] of an item in the batch with its padding
        firsts = torch.cumsum(is_item.sum(dim=1), dim=0) - is_item.sum(dim=1)  # [batch] of the item for nothing
        order = torch.argsort(torch.cat([firsts, owners + 1 + torch.arange(len(owners), device=owners.device)]))
        items = torch.cat([self.nothing.expand(batch, width), events]).index_select(0, order)
        present = self.drop_items(items)  # [items, width]

        # Latest item: the newest event is the last item, or the mean of all by order; without events it is nothing
        has_events = is_event.any(dim=1, keepdim=True)
        if self.order is None:
            newest = present.index_select(0, torch.cumsum(is_item.sum(dim=1), dim=0) - 1)
        else:
            newest = _mean_of_owner(events, self.order.exp()[positions], owners, batch)
            newest = self.drop(newest)
        latest = torch.where(has_events, newest, self.nothing)

        # Attention of the latest item to all items
        normed = self.attention_norm(present)
        attend = attend_packed if self.packs_histories else attend_padded
        queries = self.query(self.attention_norm(latest)).view(batch, self.heads, -1)
        pooled = attend(queries, self.key_value(normed), places, is_item)
        state = latest + self.drop(self.attended(pooled))

        # Feed-forward
        state = state + self.feed_forward(state)

        # Taste, trend and popularity
        out = self.out(self.out_norm(state))
        taste, trend, popularity = out.split([width, 1, out.shape[-1] - width - 1], dim=-1)
        if self.mean_scale is not None:
            taste = taste + self.mean_scale * _mean_of_owner(posts, 0.5 + strengths, owners, batch)
        if self.newcomers_follow_trend:
            taste, popularity = taste * has_events, popularity * has_events

        # Unit vector
        return functional.normalize(torch.cat([taste, functional.softplus(trend), popularity], dim=-1), dim=-1)

    def embed(self, representations: Tensor, history: HistoryTensors) -> Tensor:
        """Unit embeddings [batch, tower_dimension] of histories over ``representations`` [posts, width]."""
        return welcome_new_posts(self(representations, history), self.new_post_bonus)


def _mean_of_owner(rows: Tensor, weights: Tensor, owners: Tensor, batch: int) -> Tensor:
    """The weighted mean of each owner's ``rows`` [events, width]: [batch, width], zeros for an owner without any."""
    weighted = torch.cat([rows * weights.unsqueeze(-1), weights.unsqueeze(-1)], dim=-1)
    sums = rows.new_zeros(batch, weighted.shape[1]).index_add(0, owners, weighted)
    return sums[:, :-1] / sums[:, -1:].clamp(min=_SMALLEST_WEIGHT)


def _principal_components(
    rows: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean [width], and variances [components] and directions [components, width] from the largest to the smallest.

    They come from the products of the columns, summed up in pieces: the rows may be more than memory holds. The largest
    number of each direction is positive.
    """
    pieces = np.array_split(rows, math.ceil(len(rows) / _ROWS_AT_ONCE))
    mean = np.sum([piece.sum(axis=0, dtype=np.float64) for piece in pieces], axis=0) / len(rows)
    products = np.zeros((rows.shape[1], rows.shape[1]))
    for piece in pieces:
        centred = piece - mean
        products += centred.T @ centred
    variances, columns = np.linalg.eigh(products / max(len(rows) - 1, 1))
    directions = columns.T[::-1]
    largest = np.abs(directions).argmax(axis=1, keepdims=True)
    return mean, np.maximum(variances[::-1], 0), directions * np.sign(np.take_along_axis(directions, largest, axis=1))


def welcome_new_posts(users: Tensor, bonus: float) -> Tensor:
    """Append the newness to users' unit vectors: [batch, learned_dimension] to [batch, tower_dimension]."""
    return _with_newness(users, users.new_full((len(users), 1), newness_of(bonus)))


def _with_newness(vectors: Tensor, newness: Tensor) -> Tensor:
    return torch.cat([vectors * (1 - newness**2).sqrt(), newness], dim=-1)
