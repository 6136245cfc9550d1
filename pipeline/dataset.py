"""The clean tables as arrays: posts and users by row, interactions in chronological order."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bundle.array_files import let_go_of_pages
from mood_encoder.mood_space import MoodSpace
from pipeline.embed import read_text_embeddings
from pipeline.events import Events, days_since_epoch, read_events
from pipeline.pairs import Pairs
from pipeline.scratch import IN_MEMORY, Scratch, counts_of, pieces
from pipeline.tables import is_timed, log_position, read_posts, read_users
from two_tower.features import NUMERIC_FEATURES, numeric_features

SHORTEST_CLOCK_DAYS = 28.0
LONG_HISTORY = 20.0  # posts; histories are long if half of the people have met so many


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything that training and evaluation read.

    ``post_ids`` int64 [posts] ascending, ``user_ids`` int64 [users] ascending, ``text`` float32 [posts, dimension]
    of the summaries, ``mood_text`` float32 [posts, dimension] of the moods, which only serving reads,
    ``created_days`` float64 [posts], ``category_rows`` int64 [posts] (0 = none, else 1 + row in ``category_ids``). Both
    matrices of texts may be mapped from their file: copying one takes as much memory as the rest. Without ``is_timed``
    there is only an order: days count places in histories, and mean nothing between users.
    ``encoder_fingerprint`` is that of the encoder that embedded the texts, empty if their file does not say. The events
    hold what was recorded in the store up to ``log_position``; 0 if it was not collected. ``mood_space`` is the space
    of ``mood_text``, which only export reads. Events and pairs are arrays of ``scratch``.
    """

    posts: pd.DataFrame
    users: pd.DataFrame
    post_ids: NDArray[np.int64]
    user_ids: NDArray[np.int64]
    text: NDArray[np.float32]
    mood_text: NDArray[np.float32]
    created_days: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    category_rows: NDArray[np.int64]
    events: Events
    pairs: Pairs
    is_timed: bool = True
    encoder_fingerprint: str = ""
    log_position: int = 0
    mood_space: MoodSpace | None = None
    scratch: Scratch = IN_MEMORY

    @property
    def event_users(self) -> NDArray[np.int32]:
        """The user's row of each event: int32 [events]."""
        return self.events.user_rows

    @property
    def event_posts(self) -> NDArray[np.int32]:
        """The post's row of each event: int32 [events]."""
        return self.events.post_rows

    @property
    def event_days(self) -> NDArray[np.float64]:
        """The moment of each event in days since 1970: float64 [events] ascending."""
        return self.events.days

    @property
    def end_day(self) -> float:
        """The newest moment in the data, just after the last interaction, in days since 1970."""
        return float(self.event_days[-1]) + 1e-6 if len(self.event_days) else 0.0

    @property
    def has_clock(self) -> bool:
        """Whether timestamps are usable: data that spans less than four weeks has no past popularity to learn from."""
        return self.is_timed and len(self.event_days) > 0 and self._span_days >= SHORTEST_CLOCK_DAYS

    @property
    def _span_days(self) -> float:
        return float(self.event_days[-1] - self.event_days[0])

    @property
    def is_met(self) -> NDArray[np.bool_]:
        """Whether each post has an interaction: bool [posts]."""
        return counts_of(self.event_posts, len(self.post_ids)) > 0

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

    def is_recent(self, days: float) -> NDArray[np.bool_]:
        """Whether each event is of the last days; all are if there are no timestamps: bool [events]."""
        if not self.is_timed:
            return np.ones(len(self.event_days), dtype=np.bool_)
        return self.event_days >= self.end_day - days

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
            for piece in pieces(len(array)):
                digest.update(np.ascontiguousarray(array[piece]).data)
                self.scratch.let_go()
            let_go_of_pages(array)
        return digest.hexdigest()

    def until(self, day: float) -> "Dataset":
        """The same posts and users with only the interactions before a day since 1970, scored from those alone."""
        return self.only(self.events.days < day)

    def only(self, is_kept: NDArray[np.bool_]) -> "Dataset":
        """The same posts and users with only the chosen events, scored from those alone; bool [events]."""
        return _assemble(
            posts=self.posts,
            users=self.users,
            text=self.text,
            mood_text=self.mood_text,
            events=self.events.where(is_kept),
            is_timed=self.is_timed,
            encoder_fingerprint=self.encoder_fingerprint,
            mood_space=self.mood_space,
            scratch=self.scratch,
        )

    def made_before(self, day: float) -> "Dataset":
        """What there was before a day since 1970: the posts made or met before it, and the interactions before it.

        A post that was met before it was made, by a wrong clock, was made when it was met. Users stay, because only
        their interactions are read.
        """
        events = self.events.where(self.events.days < day)
        created_days = self.created_days.copy()
        np.minimum.at(created_days, events.post_rows, events.days)
        return self._of_posts(created_days < day, events, created_days)

    def of_posts(self, is_kept: NDArray[np.bool_]) -> "Dataset":
        """The same users with only the chosen posts, bool [posts], and the interactions with them."""
        return self._of_posts(is_kept, self.events.where(is_kept[self.events.post_rows]), self.created_days)

    def _of_posts(self, is_kept: NDArray[np.bool_], events: Events, created_days: NDArray[np.float64]) -> "Dataset":
        kept = _assemble(
            posts=self.posts[is_kept].reset_index(drop=True),
            users=self.users,
            text=self.text[is_kept],
            mood_text=self.mood_text[is_kept],
            events=replace(events, post_rows=(np.cumsum(is_kept) - 1)[events.post_rows].astype(np.int32)),
            is_timed=self.is_timed,
            encoder_fingerprint=self.encoder_fingerprint,
            mood_space=self.mood_space,
            scratch=self.scratch,
        )
        return replace(kept, created_days=created_days[is_kept])


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
    scratch = Scratch(clean_directory.parent)
    dataset = _assemble(
        posts=posts,
        users=users,
        text=texts.embeddings,
        mood_text=texts.mood_embeddings,
        events=read_events(
            clean_directory,
            user_ids=users["user_id"].to_numpy(dtype=np.int64),
            post_ids=posts["post_id"].to_numpy(dtype=np.int64),
            scratch=scratch,
        ),
        is_timed=is_timed(clean_directory),
        encoder_fingerprint=texts.encoder_fingerprint,
        mood_space=texts.mood_space,
        scratch=scratch,
    )
    return replace(dataset, log_position=log_position(clean_directory))


class DatasetError(Exception):
    """The stages' files do not match, or hold nothing to serve: names the file and what to run."""


def _assemble(
    *,
    posts: pd.DataFrame,
    users: pd.DataFrame,
    text: NDArray[np.float32],
    mood_text: NDArray[np.float32],
    events: Events,
    is_timed: bool = True,
    encoder_fingerprint: str = "",
    mood_space: MoodSpace | None = None,
    scratch: Scratch = IN_MEMORY,
) -> Dataset:
    post_ids = posts["post_id"].to_numpy(dtype=np.int64)
    user_ids = users["user_id"].to_numpy(dtype=np.int64)
    categories = posts["category_id"].fillna(0).to_numpy(dtype=np.int64)
    category_ids = np.unique(categories[categories > 0])
    return Dataset(
        posts=posts,
        users=users,
        post_ids=post_ids,
        user_ids=user_ids,
        text=text,
        mood_text=mood_text,
        created_days=_created_days(posts, events.days, is_timed=is_timed),
        category_ids=category_ids,
        category_rows=np.where(categories > 0, np.searchsorted(category_ids, categories) + 1, 0),
        events=events,
        pairs=Pairs.of(events, user_count=len(user_ids), post_count=len(post_ids), scratch=scratch),
        is_timed=is_timed,
        encoder_fingerprint=encoder_fingerprint,
        mood_space=mood_space,
        scratch=scratch,
    )


def _created_days(posts: pd.DataFrame, event_days: NDArray[np.float64], *, is_timed: bool) -> NDArray[np.float64]:
    """Days of creation; the oldest day of the data where it is unknown, and everywhere if there are no timestamps."""
    days = days_since_epoch(posts["created_at"])
    known = days[np.isfinite(days)] if is_timed else np.zeros(0)
    oldest = min([*event_days[:1], *known.min(keepdims=True)] if len(known) else event_days[:1], default=0.0)
    return np.where(np.isfinite(days) & is_timed, days, oldest)
