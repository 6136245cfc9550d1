"""The towers of a bundle in NumPy, for a process without torch: model.py in inference mode, in steps of the same names.

Tests hold the two equal to 1e-6.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from two_tower.features import TREND_COLUMN, Histories, PostInputs
from two_tower.tower_config import TowerConfig, newness_of
from two_tower.tower_files import KnownPosts, TowerArrays, Weights
from two_tower.words import Vocabulary

_NORM_EPSILON = 1e-5  # of torch.nn.LayerNorm
_SHORTEST = 1e-12  # of torch.nn.functional.normalize
_GELU_SCALE = (2 / np.pi) ** 0.5  # of GELU by tanh (Hendrycks and Gimpel 2016)
_GELU_CUBIC = 0.044715


@dataclass(frozen=True, slots=True)
class NumpyTowers:
    """Both towers; safe to call from several threads."""

    config: TowerConfig
    vocabulary: Vocabulary
    known: KnownPosts
    _user: Weights
    _post: Weights

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Read the same files as TorchTowers, by the same rules: BundleError names the file that breaks them."""
        arrays = TowerArrays.read(bundle)
        return cls(
            config=arrays.config,
            vocabulary=arrays.vocabulary,
            known=arrays.known,
            _user=arrays.user_tower,
            _post=arrays.post_tower,
        )

    def embed_users(self, representations: Matrix, histories: Histories) -> Matrix:
        """Unit embeddings [users, tower dimension] of histories over ``representations`` [posts, width].

        A history has the same embedding, to the last bit, whichever others are embedded beside it.
        """
        weights = self._user
        width, heads = self.config.representation_dimension, self.config.heads
        users, length = histories.rows.shape
        is_event = histories.is_event

        # Items: an item that stands for nothing, then one item an event (padding is masked below)
        met = representations[histories.rows] if len(representations) else np.float32(0)
        events = (
            met
            + weights["verb.weight"][histories.verbs]
            + _linear(_pairs(histories.strengths, histories.ages), weights, "event")
            + weights["position.weight"][self.config.history_length - length :]
        )  # [users, length, width]
        is_item = np.ones((users, 1 + length), dtype=np.bool_)
        is_item[:, 1:] = is_event
        items = np.zeros((users, 1 + length, width), dtype=np.float32)
        items[:, 0] = weights["nothing"]
        items[:, 1:] = events

        # Latest item: the newest event is the last item, or the mean of all by order; without events it is nothing
        has_events = is_event.any(axis=1, keepdims=True)
        newest = items[:, -1]
        if "order" in weights:
            by_order = np.exp(weights["order"][self.config.history_length - length :])
            newest = _weighted_mean(items[:, 1:], np.where(is_event, by_order, np.float32(0)))
        latest = np.where(has_events, newest, weights["nothing"])

        # Attention of the latest item to all items
        keys_values = _linear(_normed(items, weights, "attention_norm"), weights, "key_value")
        keys_values = keys_values.reshape(users, 1 + length, 2, heads, -1)
        keys, values = keys_values[:, :, 0], keys_values[:, :, 1]  # [users, items, heads, .]
        queries = _linear(_normed(latest, weights, "attention_norm"), weights, "query").reshape(users, heads, -1)
        closeness = np.einsum("bhw,bihw->bhi", queries, keys) / np.float32(queries.shape[-1] ** 0.5)
        attention = _softmax(np.where(is_item[:, None], closeness, -np.inf))
        pooled = np.einsum("bhi,bihw->bhw", attention, values).reshape(users, width)
        state = latest + _linear(pooled, weights, "attended")

        # Feed-forward
        inner = _gelu(_linear(_normed(state, weights, "feed_forward.0"), weights, "feed_forward.1"))
        state = state + _linear(inner, weights, "feed_forward.4")

        # Taste, trend and popularity
        out = _linear(_normed(state, weights, "out_norm"), weights, "out")
        taste, trend, popularity = out[:, :width], out[:, width : width + 1], out[:, width + 1 :]
        if "mean_scale" in weights:
            taste = taste + weights["mean_scale"] * _mean_of_history(representations, histories)
        if self.config.newcomers_follow_trend:
            taste, popularity = taste * has_events, popularity * has_events

        # Unit vector
        learned = _unit(np.concatenate([taste, np.logaddexp(np.float32(0), trend), popularity], axis=-1))
        newness = np.full((users, 1), newness_of(self.config.new_post_bonus), dtype=np.float32)
        return _with_newness(learned, newness)

    def represent_posts(self, posts: PostInputs) -> Matrix:
        """Posts as histories hold them: representations [posts, width], made of text, words, category and id."""
        weights = self._post
        is_known = (posts.post_rows >= 0)[:, None]
        has_word = posts.words > 0  # [posts, words]
        identity = weights["identity.weight"][np.maximum(posts.post_rows, 0)] * is_known
        word_counts = np.maximum(has_word.sum(axis=1, keepdims=True), 1)
        words = weights["words.weight"][posts.words].sum(axis=1) / np.sqrt(word_counts, dtype=np.float32)
        content = _linear(posts.text, weights, "text") + words + weights["category.weight"][posts.category_rows]
        return _normed(content + identity, weights, "norm")

    def embed_posts(self, posts: PostInputs) -> Matrix:
        """Unit embeddings [posts, tower dimension]."""
        weights = self._post
        width = self.config.representation_dimension
        representations = self.represent_posts(posts)

        # Taste, trend and popularity
        taste = weights["taste_scale"] * representations / np.float32(width**0.5)
        trend = np.tanh(np.abs(weights["trend_scale"]) * posts.numeric[:, TREND_COLUMN:])
        popularity = _linear(_gelu(_linear(posts.numeric, weights, "hidden")), weights, "popularity")

        # Unit vector
        rest = np.sqrt(1 - trend**2) * _unit(np.concatenate([taste, popularity], axis=-1))
        learned = np.concatenate([rest[:, :width], trend, rest[:, width:]], axis=-1)
        sign = np.where(posts.is_new, np.float32(1), np.float32(-1))[:, None]
        return _with_newness(learned, np.float32(newness_of(self.config.new_post_bonus)) * sign)


def _linear(values: NDArray[np.float32], weights: Weights, name: str) -> NDArray[np.float32]:
    """A linear layer over the last axis.

    Rows of a matrix are multiplied one by one: BLAS rounds a row of a product according to the number of rows.
    """
    weight = weights[f"{name}.weight"].T
    product = (values[:, None, :] @ weight)[:, 0] if values.ndim == 2 else values @ weight
    return np.asarray(product + weights[f"{name}.bias"], dtype=np.float32)


def _pairs(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Two arrays [...] side by side: [..., 2], as np.stack would in three times as long."""
    pairs = np.empty((*first.shape, 2), dtype=np.float32)
    pairs[..., 0], pairs[..., 1] = first, second
    return pairs


def _sums(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sums over the last axis, which stays."""
    sums: NDArray[np.float32] = np.add.reduce(values, axis=-1, keepdims=True)
    return sums


def _normed(values: NDArray[np.float32], weights: Weights, name: str) -> NDArray[np.float32]:
    width = np.float32(values.shape[-1])
    centred = values - _sums(values) / width
    variances = _sums(centred * centred) / width
    normed: NDArray[np.float32] = centred / np.sqrt(variances + np.float32(_NORM_EPSILON))
    return normed * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(values: NDArray[np.float32]) -> NDArray[np.float32]:
    inner = np.float32(_GELU_SCALE) * (values + np.float32(_GELU_CUBIC) * values * values * values)
    return np.asarray(values * (1 + np.tanh(inner)) / 2, dtype=np.float32)


def _softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    shares = np.exp(values - np.maximum.reduce(values, axis=-1, keepdims=True))
    return np.asarray(shares / _sums(shares), dtype=np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt(_sums(vectors * vectors))
    return np.asarray(vectors / np.maximum(lengths, np.float32(_SHORTEST)), dtype=np.float32)


def _mean_of_history(representations: Matrix, histories: Histories) -> NDArray[np.float32]:
    """The mean of a history's posts, weighted by strength: [users, width], zeros for an empty history."""
    if not len(representations):
        return np.zeros((len(histories.rows), representations.shape[1]), dtype=np.float32)
    weights = histories.is_event * (np.float32(0.5) + histories.strengths)
    return _weighted_mean(representations[histories.rows], weights)


def _weighted_mean(items: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each user's ``items`` [users, length, width] with ``weights`` [users, length]: [users, width]."""
    sums = np.einsum("bl,blw->bw", weights, items)
    return np.asarray(sums / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _with_newness(vectors: NDArray[np.float32], newness: NDArray[np.float32]) -> Matrix:
    return np.concatenate([vectors * np.sqrt(1 - newness**2), newness], axis=-1, dtype=np.float32)
