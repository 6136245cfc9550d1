"""The scores of a month's towers at given moments, from what was known at each."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bundle.blend import Blend
from pipeline.dataset import Dataset
from pipeline.live_evaluation.live_histories import LiveHistories
from pipeline.trained_towers import TrainedTowers
from two_tower.features import window_histories
from two_tower.model import PostTensors, history_tensors

_MOST_POSTS_AT_ONCE = 100_000  # embeddings of posts at different moments
_POSTS_AT_ONCE = 8192


class LiveScores(Protocol):
    """A model that scores all posts at moments, and the weights of its scores beside what is popular."""

    blend: Blend

    def scores(
        self, user_rows: NDArray[np.int64], *, crowd_days: NDArray[np.float64], person_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """float32 [moments, posts]; what is known of everybody and of the person is what was before these days."""


class LiveModel:
    """Towers that were trained on the past, over features and histories of any later moment.

    ``dataset`` may hold the future: of it, only the interactions before the asked days are read.
    """

    def __init__(self, towers: TrainedTowers, *, past: Dataset, dataset: Dataset, blend: Blend | None = None) -> None:
        """Without a ``blend`` the towers rank alone."""
        self.blend = blend or Blend()
        self._towers = towers
        self._dataset = dataset
        self._histories = LiveHistories(
            dataset.events, user_count=len(dataset.user_ids), post_count=len(dataset.post_ids)
        )
        self._first_events = np.full(len(dataset.post_ids), len(dataset.events))  # of each post
        np.minimum.at(self._first_events, dataset.event_posts, np.arange(len(dataset.events)))
        self._representations = _represent(towers, past, dataset)

    def scores(
        self, user_rows: NDArray[np.int64], *, crowd_days: NDArray[np.float64], person_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Inner products of users and posts; LiveScores says what of."""
        posts = len(self._dataset.post_ids)
        users = self._embed_users(user_rows, person_days, crowd_days)
        scores = np.empty((len(user_rows), posts), dtype=np.float32)
        days, day_of = np.unique(crowd_days, return_inverse=True)
        at_once = max(_MOST_POSTS_AT_ONCE // max(posts, 1), 1)
        for first in range(0, len(days), at_once):
            embeddings = self._embed_posts(days[first : first + at_once])
            for number in range(len(embeddings)):
                is_then = day_of == first + number
                scores[is_then] = users[is_then] @ embeddings[number].T
        return scores

    def _embed_users(
        self, user_rows: NDArray[np.int64], days: NDArray[np.float64], crowd_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """float32 [moments, tower dimension]."""
        pairs = self._histories.at(user_rows, days, crowd_days=crowd_days)
        histories = window_histories(
            pairs.offsets[:-1],
            pairs.offsets[1:],
            days,
            rows=pairs.post_rows,
            verbs=pairs.verbs,
            strengths=pairs.strengths,
            days=pairs.days,
            length=self._towers.config.history_length,
        )
        with torch.inference_mode():
            embedded = self._towers.user_tower.embed(self._representations, history_tensors(histories))
        return np.asarray(embedded.numpy())

    def _embed_posts(self, days: NDArray[np.float64]) -> NDArray[np.float32]:
        """float32 [days, posts, tower dimension]."""
        numeric = np.stack([self._dataset.numeric(float(day)) for day in days])
        is_new = self._first_events >= np.searchsorted(self._dataset.event_days, days)[:, None]
        with torch.inference_mode():
            embedded = self._towers.post_tower.embed(
                self._representations.repeat(len(days), 1),
                torch.from_numpy(numeric).flatten(0, 1),
                torch.from_numpy(is_new).flatten(),
            )
        return np.asarray(embedded.view(len(days), len(self._first_events), -1).numpy())


def _represent(towers: TrainedTowers, past: Dataset, dataset: Dataset) -> torch.Tensor:
    """Representations [posts of ``dataset``, width]; a post that the past lacks has no id, as in serving."""
    post_rows = _rows_in(past.post_ids, dataset.post_ids)
    categories = np.concatenate([[0], dataset.category_ids])[dataset.category_rows]
    category_rows = np.where(categories > 0, _rows_in(past.category_ids, categories) + 1, 0)
    words = towers.vocabulary.rows_of(dataset.texts)
    pieces = []
    for start in range(0, len(post_rows), _POSTS_AT_ONCE):
        rows = slice(start, start + _POSTS_AT_ONCE)
        with torch.inference_mode():
            pieces.append(
                towers.post_tower.represent(
                    PostTensors(
                        text=torch.from_numpy(dataset.text[rows].copy()),
                        words=torch.from_numpy(words[rows]),
                        category_rows=torch.from_numpy(category_rows[rows]),
                        post_rows=torch.from_numpy(post_rows[rows]),
                    )
                )
            )
    return torch.cat(pieces)


def _rows_in(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each wanted id in ascending ``ids``, -1 where there is none."""
    rows = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0))
    return np.where(ids[rows] == wanted, rows, -1) if len(ids) else np.full(len(wanted), -1)
