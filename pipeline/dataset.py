"""The clean tables as arrays: posts and users by row, interactions in chronological order."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bundle.verbs import verb_numbers
from pipeline.embed import read_text_embeddings
from pipeline.score import score_frame
from pipeline.tables import read_interactions, read_posts, read_users
from two_tower.features import NUMERIC_FEATURES, numeric_features

_DAY = pd.Timedelta(days=1)
_EPOCH = pd.Timestamp(0, tz="UTC")
_SHORTEST_CLOCK_DAYS = 28.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """One row for each (user, post) with an interaction, ascending by (user, first time), so that a history is a slice.

    ``user_rows`` and ``post_rows`` int64 [pairs], ``verbs`` int8, ``strengths`` float32 in 0..1, ``days`` float64 (days
    since 1970 of the first interaction), ``offsets`` int64 [users + 1].
    """

    user_rows: NDArray[np.int64]
    post_rows: NDArray[np.int64]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    days: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.user_rows)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything that training and evaluation read.

    ``post_ids`` int64 [posts] ascending, ``user_ids`` int64 [users] ascending, ``text`` float32 [posts, dimension]
    of the summaries, ``mood_text`` float32 [posts, dimension] of the moods, which only serving reads,
    ``created_days`` float64 [posts], ``category_rows`` int64 [posts] (0 = none, else 1 + row in ``category_ids``),
    ``event_users``, ``event_posts`` int64 [events] and ``event_days`` float64 [events] ascending by time.
    ``encoder_fingerprint`` is that of the encoder that embedded the texts, empty if their file does not say.
    """

    posts: pd.DataFrame
    users: pd.DataFrame
    interactions: pd.DataFrame
    post_ids: NDArray[np.int64]
    user_ids: NDArray[np.int64]
    text: NDArray[np.float32]
    mood_text: NDArray[np.float32]
    created_days: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    category_rows: NDArray[np.int64]
    event_users: NDArray[np.int64]
    event_posts: NDArray[np.int64]
    event_days: NDArray[np.float64]
    pairs: Pairs
    encoder_fingerprint: str = ""

    @property
    def end_day(self) -> float:
        """The newest moment in the data, just after the last interaction, in days since 1970."""
        return float(self.event_days[-1]) + 1e-6 if len(self.event_days) else 0.0

    @property
    def has_clock(self) -> bool:
        """Whether timestamps are usable: data that spans less than four weeks has no past popularity to learn from."""
        return len(self.event_days) > 0 and float(np.ptp(self.event_days)) >= _SHORTEST_CLOCK_DAYS

    @property
    def is_met(self) -> NDArray[np.bool_]:
        """Whether each post has an interaction: bool [posts]."""
        return np.bincount(self.event_posts, minlength=len(self.post_ids)) > 0

    @property
    def texts(self) -> list[str]:
        """The summary text of each post, which ``text`` is the embedding of."""
        return [str(text) for text in self.posts["summary_text"]]

    def numeric(self, day: float) -> NDArray[np.float32]:
        """Numeric features of every post at a moment [posts, features]; all zeros if there is no clock."""
        if not self.has_clock:
            return np.zeros((len(self.post_ids), len(NUMERIC_FEATURES)), dtype=np.float32)
        return numeric_features(
            day,
            event_rows=self.event_posts,
            event_days=self.event_days,
            created_days=self.created_days,
            category_rows=self.category_rows,
            category_count=len(self.category_ids) + 1,
        )

    def fingerprint(self) -> str:
        """SHA-256 of everything that training reads, as hexadecimal digits."""
        digest = hashlib.sha256()
        arrays: tuple[NDArray[np.generic], ...] = (
            self.post_ids,
            self.user_ids,
            self.text,
            self.category_rows,
            self.created_days,
            self.event_posts,
            self.event_days,
            self.pairs.user_rows,
            self.pairs.post_rows,
            self.pairs.verbs,
            self.pairs.strengths,
            self.pairs.days,
        )
        for array in arrays:
            digest.update(array.tobytes())
        return digest.hexdigest()

    def until(self, day: float) -> "Dataset":
        """The same posts and users with only the interactions before a day since 1970, scored from those alone."""
        return self.only(days_since_epoch(self.interactions["at"]) < day)

    def only(self, is_kept: NDArray[np.bool_]) -> "Dataset":
        """The same posts and users with only the chosen ``interactions``, scored from those alone."""
        return _assemble(
            posts=self.posts,
            users=self.users,
            text=self.text,
            mood_text=self.mood_text,
            interactions=self.interactions[is_kept],
            encoder_fingerprint=self.encoder_fingerprint,
        )


def read_dataset(clean_directory: Path, text_embeddings: Path) -> Dataset:
    """Read the clean tables and the text embeddings.

    DatasetError if no post may be served, or if the embeddings are not those of the posts.
    """
    posts = read_posts(clean_directory).sort_values("post_id", ignore_index=True)
    if not posts["is_servable"].any():
        raise DatasetError(
            f"{clean_directory / 'posts.parquet'}: none of the {len(posts)} posts may be served: "
            "each is locked, not public or without a video"
        )
    users = read_users(clean_directory).sort_values("user_id", ignore_index=True)
    texts = read_text_embeddings(text_embeddings)
    if texts.post_ids.tolist() != posts["post_id"].tolist():
        raise DatasetError(
            f"{text_embeddings} does not match the posts of {clean_directory / 'posts.parquet'}: run `moodfeed embed`"
        )
    return _assemble(
        posts=posts,
        users=users,
        text=texts.embeddings,
        mood_text=texts.mood_embeddings,
        interactions=read_interactions(clean_directory),
        encoder_fingerprint=texts.encoder_fingerprint,
    )


class DatasetError(Exception):
    """The stages' files do not match, or hold nothing to serve: names the file and what to run."""


def days_since_epoch(moments: "pd.Series[pd.Timestamp]") -> NDArray[np.float64]:
    """Days since 1970 of UTC timestamps."""
    return np.asarray((moments - _EPOCH) / _DAY, dtype=np.float64)


def rows_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of ``wanted`` in the ascending ``ids``; each must be present."""
    return np.searchsorted(ids, wanted).astype(np.int64)


def _assemble(
    *,
    posts: pd.DataFrame,
    users: pd.DataFrame,
    text: NDArray[np.float32],
    mood_text: NDArray[np.float32],
    interactions: pd.DataFrame,
    encoder_fingerprint: str = "",
) -> Dataset:
    post_ids = posts["post_id"].to_numpy(dtype=np.int64)
    user_ids = users["user_id"].to_numpy(dtype=np.int64)
    categories = posts["category_id"].fillna(0).to_numpy(dtype=np.int64)
    category_ids = np.unique(categories[categories > 0])
    return Dataset(
        posts=posts,
        users=users,
        interactions=interactions,
        post_ids=post_ids,
        user_ids=user_ids,
        text=text,
        mood_text=mood_text,
        created_days=days_since_epoch(posts["created_at"]),
        category_ids=category_ids,
        category_rows=np.where(categories > 0, np.searchsorted(category_ids, categories) + 1, 0),
        event_users=rows_of(user_ids, interactions["user_id"].to_numpy(dtype=np.int64)),
        event_posts=rows_of(post_ids, interactions["post_id"].to_numpy(dtype=np.int64)),
        event_days=days_since_epoch(interactions["at"]),
        pairs=_pairs_of(score_frame(interactions), user_ids=user_ids, post_ids=post_ids),
        encoder_fingerprint=encoder_fingerprint,
    )


def _pairs_of(scores: pd.DataFrame, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64]) -> Pairs:
    scores = scores.sort_values(["user_id", "first_at", "post_id"], ignore_index=True)
    user_rows = rows_of(user_ids, scores["user_id"].to_numpy(dtype=np.int64))
    return Pairs(
        user_rows=user_rows,
        post_rows=rows_of(post_ids, scores["post_id"].to_numpy(dtype=np.int64)),
        verbs=verb_numbers(scores["verb"].tolist()),
        strengths=scores["strength"].to_numpy(dtype=np.float32),
        days=days_since_epoch(scores["first_at"]),
        offsets=np.searchsorted(user_rows, np.arange(len(user_ids) + 1)).astype(np.int64),
    )
