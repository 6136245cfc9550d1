"""A person's embedding over the history of the bundle and what they have done since, computed when it is asked for.

The rows are those that the same bundle would hold with the new ones appended to the person's history, and the same code
makes the embedding of both, so the two are equal to the last bit.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.embedding_space import Vector
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.verbs import VERBS
from store.interactions import Verb
from two_tower.features import window_histories
from two_tower.interaction_strengths import SKIP_STRENGTH, PersonEvent, RatingScale, score_person
from user_tower_service.live_people import LiveEvent, PersonView
from user_tower_service.runtime import ServingTowers

_SEEN_PER_PLACE = 1_000
_NAMES = {Verb.VIEW: "view", Verb.LIKE: "like", Verb.INSPIRE: "inspire", Verb.RATING: "rating", Verb.SKIP: "view"}
"""The verb of a history that each verb counts as; a post that does not interest leaves the feeds, not the history."""


@dataclass(frozen=True, slots=True)
class History:
    """A part of the histories of a bundle, oldest first; arrays [events] as in bundle.known_users.KnownUsers."""

    post_ids: NDArray[np.int64]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    days: NDArray[np.float32]

    @classmethod
    def empty(cls) -> Self:
        """A history without events."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.float32), np.zeros(0, np.float32))

    @classmethod
    def of_user(cls, users: KnownUsers, row: int) -> Self:
        """The history of a known user."""
        span = slice(users.offsets[row], users.offsets[row + 1])
        return cls(users.post_ids[span], users.verbs[span], users.strengths[span], users.days[span])

    def followed_by(self, other: "History") -> "History":
        """Both, by time; of events of the same time those of this one come first."""
        days = np.concatenate([self.days, other.days])
        order = np.argsort(days, kind="stable")
        return History(
            np.concatenate([self.post_ids, other.post_ids])[order],
            np.concatenate([self.verbs, other.verbs])[order],
            np.concatenate([self.strengths, other.strengths])[order],
            days[order],
        )

    def where(self, is_kept: NDArray[np.bool_]) -> "History":
        """The events that a mask [events] keeps."""
        return History(self.post_ids[is_kept], self.verbs[is_kept], self.strengths[is_kept], self.days[is_kept])


@dataclass(frozen=True, slots=True)
class LiveUser:
    """``embedding`` float32 [tower dimension], read-only; ``seen_post_ids`` ascend."""

    embedding: Vector
    seen_post_ids: tuple[int, ...]


class LiveHistories:
    """The people of one bundle with what they have done since; every method may be called from several threads.

    Remembers ``size`` of them, by the position of their last change. A user with a long history takes the room of
    several.
    """

    def __init__(
        self,
        towers: ServingTowers,
        posts: HistoryPosts,
        users: KnownUsers,
        *,
        rows: Mapping[str, int],
        log_position: int,
        size: int,
        most_seen: int,
    ) -> None:
        """``rows`` are those of the ``users`` by name; the bundle was made with the log up to ``log_position``."""
        self._towers = towers
        self._representations = posts.representations
        self._post_ids = posts.post_ids
        self._users = users
        self._rows = rows
        self._log_position = log_position
        self._most_seen = most_seen
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._remembered: LRUCache[tuple[str, int, int], LiveUser] = LRUCache(size, _weight)

    def user(self, username: str, view: PersonView) -> LiveUser | None:
        """The person as of the view; None if neither the bundle nor the log knows them."""
        key = username, view.changed_at, view.departed_at
        with self._lock:
            known = self._remembered.get(key)
        if known is not None:
            return known
        history, is_known = self._history_in_bundle(username, view)
        events = [event for event in view.events if event.position > self._log_position]
        # A bundle holds everybody with events up to its position, but not what does not interest them.
        if not (is_known or events or any(event.verb is Verb.NOT_INTERESTED for event in view.events)):
            return None
        user = self._embed(history, events)
        if _weight(user) <= self._remembered.maxsize:
            with self._lock:
                self._remembered[key] = user
        return user

    def _history_in_bundle(self, username: str, view: PersonView) -> tuple[History, bool]:
        """What the bundle holds of the person and of those merged into them, and whether it knows any of them."""
        names = [name.username for name in view.merged if name.position > self._log_position]
        if view.departed_at <= self._log_position:
            names.append(username)
        rows = [self._rows[name] for name in names if name is not None and name in self._rows]
        history = History.empty()
        for row in rows:
            history = history.followed_by(History.of_user(self._users, row))
        for taken in view.taken_back:
            was_held = taken.position <= self._log_position < taken.taken_back_at
            if was_held and taken.verb in _NAMES and taken.post_id is not None:
                is_taken = (history.post_ids == taken.post_id) & (history.verbs == VERBS.index(_NAMES[taken.verb]))
                history = history.where(~is_taken)
        return history, bool(rows)

    def _embed(self, history: History, events: Sequence[LiveEvent]) -> LiveUser:
        whole = history.followed_by(self._rows_of(events))
        rows = np.searchsorted(self._post_ids, whole.post_ids)
        histories = window_histories(
            np.zeros(1, dtype=np.int64),
            np.array([len(rows)]),
            np.zeros(1),
            rows=rows,
            verbs=whole.verbs,
            strengths=whole.strengths,
            days=whole.days,
            length=self._towers.config.history_length,
        )
        embedding = self._towers.embed_users(self._representations, histories)[0].copy()
        embedding.setflags(write=False)
        met = [event.post_id for event in events if event.post_id is not None]
        seen = _newest_distinct(np.concatenate([history.post_ids, np.array(met, dtype=np.int64)]), self._most_seen)
        return LiveUser(embedding, tuple(seen.tolist()))

    def _rows_of(self, events: Sequence[LiveEvent]) -> History:
        """Events as rows of a history: those with posts that the bundle knows, as of its newest moment, which is 0."""
        scored = score_person(
            [
                PersonEvent(
                    event.post_id,
                    _NAMES[event.verb],
                    event.moment,
                    event.rating_percent if event.verb is Verb.RATING else None,
                    SKIP_STRENGTH if event.verb is Verb.SKIP else None,
                )
                for event in events
                if event.verb in _NAMES and event.post_id is not None and self._knows(event.post_id)
            ],
            RatingScale(),
        )
        return History(scored.post_ids, scored.verbs, scored.strengths, np.zeros(len(scored.post_ids), np.float32))

    def _knows(self, post_id: int) -> bool:
        row = int(np.searchsorted(self._post_ids, post_id))
        return row < len(self._post_ids) and int(self._post_ids[row]) == post_id


def _weight(user: LiveUser) -> int:
    return 1 + len(user.seen_post_ids) // _SEEN_PER_PLACE


def _newest_distinct(post_ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The distinct ids, ascending; of more than ``most`` those whose last place in ``post_ids`` is the latest."""
    distinct, places_from_end = np.unique(post_ids[::-1], return_index=True)
    if len(distinct) <= most:
        return distinct
    return np.sort(distinct[np.argsort(places_from_end, kind="stable")[:most]])
