"""A person's embedding over the history of the bundle and what they have done since, computed when it is asked for.

The rows are those that the same bundle would hold with the new ones appended to the person's history, and the same code
makes the embedding of both, so the two are equal to the last bit.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.embedding_space import Matrix, Vector
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.verbs import VERBS
from compute.recent_history import RecentHistory
from store.interactions import Verb
from two_tower.features import Histories, window_histories
from two_tower.interaction_strengths import SKIP_STRENGTH, PersonEvent, RatingScale, score_person
from user_tower_service.history import History
from user_tower_service.live_people import LiveEvent, PersonView
from user_tower_service.live_posts import NewPosts
from user_tower_service.recent_histories import recent_history
from user_tower_service.runtime import ServingTowers

_SEEN_PER_PLACE = 1_000
_NAMES = {Verb.VIEW: "view", Verb.LIKE: "like", Verb.INSPIRE: "inspire", Verb.RATING: "rating", Verb.SKIP: "view"}
"""The verb of a history that each verb counts as; a post that does not interest leaves the feeds, not the history."""


@dataclass(frozen=True, slots=True)
class LiveUser:
    """``embedding`` float32 [tower dimension], read-only; ``seen_post_ids`` ascend.

    ``changed_at`` is the position of the last change of the person, or of a live post in their history.
    """

    embedding: Vector
    seen_post_ids: tuple[int, ...]
    changed_at: int
    recent: RecentHistory


@dataclass(frozen=True, slots=True)
class _MetPosts:
    """The live posts that a bundle lacks and that a person has met, with the events that name them by their ids.

    ``representations`` are by post; ``changed_at`` is the position of their last change.
    """

    events: Sequence[LiveEvent]
    representations: Mapping[int, Vector]
    changed_at: int


@dataclass(frozen=True, slots=True)
class _WholeHistory:
    """What an embedding is made of, and the ``key`` under which it is remembered: name, last change, departure."""

    key: tuple[str, int, int]
    events: History
    met: _MetPosts
    seen_post_ids: tuple[int, ...]
    recent: RecentHistory


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
        new_posts: Callable[[], NewPosts],
        rows: Mapping[str, int],
        log_position: int,
        newest_moment_ms: int,
        size: int,
        most_seen: int,
    ) -> None:
        """``rows`` are those of the ``users`` by name; the bundle was made with the log up to ``log_position``.

        ``newest_moment_ms`` is the moment of its newest interaction, 0 if its data has no clock.
        ``new_posts`` gives the live posts that have embeddings for this bundle.
        """
        self._new_posts = new_posts
        self._towers = towers
        self._representations = posts.representations
        self._post_ids = posts.post_ids
        self._users = users
        self._rows = rows
        self._log_position, self._newest_moment_ms = log_position, newest_moment_ms
        self._most_seen = most_seen
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._remembered: LRUCache[tuple[str, int, int], LiveUser] = LRUCache(size, _weight)

    def users(self, people: Sequence[tuple[str, PersonView]]) -> list[LiveUser | None]:
        """Each person as of their view; None for one whom neither the bundle nor the log knows.

        Those who are not remembered are embedded together: the steps of an embedding cost more than their numbers.
        """
        found = [self._find(username, view) for username, view in people]
        missing = [history for history in found if isinstance(history, _WholeHistory)]
        if not missing:
            return [user for user in found if not isinstance(user, _WholeHistory)]
        embedded = iter(self._embed(missing))
        users = [next(embedded) if isinstance(user, _WholeHistory) else user for user in found]
        with self._lock:
            for history, user in zip(found, users, strict=True):
                if isinstance(history, _WholeHistory) and user and _weight(user) <= self._remembered.maxsize:
                    self._remembered[history.key] = user
        return users

    def _find(self, username: str, view: PersonView) -> "LiveUser | _WholeHistory | None":
        """What is remembered of the person, or else what their embedding is made of."""
        events = [event for event in view.events if event.position > self._log_position]
        met = self._met(events, view.position)
        key = username, max(view.changed_at, met.changed_at), view.departed_at
        with self._lock:
            known = self._remembered.get(key)
        if known is not None:
            return known
        history, is_known = self._history_in_bundle(username, view)
        # A bundle holds everybody with events up to its position, but not what does not interest them.
        if not (is_known or events or any(event.verb is Verb.NOT_INTERESTED for event in view.events)):
            return None
        ids = [event.post_id for event in met.events if event.post_id is not None]
        seen = _newest_distinct(np.concatenate([history.post_ids, np.array(ids, dtype=np.int64)]), self._most_seen)
        recent = recent_history(
            history, met.events, newest_moment_ms=self._newest_moment_ms, is_merged=bool(view.merged)
        )
        return _WholeHistory(key, history.followed_by(self._rows_of(met)), met, tuple(seen.tolist()), recent)

    def _met(self, events: Sequence[LiveEvent], position: int) -> _MetPosts:
        """What a person has met of the live posts, as of a position."""
        new = self._new_posts()
        if not (new.represented or new.named):
            return _MetPosts(events, {}, 0)
        found: dict[int, Vector] = {}
        changed_at, by_id = 0, []
        for event in events:
            post_id = event.post_id
            named = new.named.get(event.external_id or "") if post_id is None else None
            if named is not None and named.position <= position:
                post_id, changed_at = named.post_id, max(changed_at, named.position)
            by_id.append(event if post_id == event.post_id else replace(event, post_id=post_id))
            if post_id is None or post_id not in new.represented or self._knows(post_id):
                continue
            changes = [change for change in new.represented[post_id] if change.position <= position]
            if changes:
                changed_at = max(changed_at, changes[-1].position)
                if changes[-1].values is not None:
                    found[post_id] = changes[-1].values
        return _MetPosts(by_id, found, changed_at)

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

    def _embed(self, histories: "Sequence[_WholeHistory]") -> list[LiveUser]:
        of_bundle = [history.events for history in histories if not history.met.representations]
        together = iter(self._embed_rows(of_bundle) if of_bundle else ())
        users = []
        for history in histories:
            embedding = (self._embed_with_new(history) if history.met.representations else next(together)).copy()
            embedding.setflags(write=False)
            users.append(LiveUser(embedding, history.seen_post_ids, history.key[1], history.recent))
        return users

    def _embed_rows(self, histories: Sequence[History]) -> Matrix:
        """Histories of posts that the bundle holds: [people, tower dimension]."""
        post_ids = np.concatenate([history.post_ids for history in histories])
        windows = self._windows(histories, np.searchsorted(self._post_ids, post_ids))
        return self._towers.embed_users(self._representations, windows)

    def _embed_with_new(self, history: "_WholeHistory") -> Vector:
        """A history with live posts that the bundle lacks."""
        new_ids = np.array(sorted(history.met.representations), dtype=np.int64)
        post_ids = history.events.post_ids
        rows = np.searchsorted(self._post_ids, post_ids)
        is_new = np.isin(post_ids, new_ids)
        rows[is_new] = len(self._post_ids) + np.searchsorted(new_ids, post_ids[is_new])
        new = np.stack([history.met.representations[post_id] for post_id in new_ids.tolist()])
        met = _of_those_met(self._representations, new, self._windows([history.events], rows))
        embedding: Vector = self._towers.embed_users(*met)[0]
        return embedding

    def _windows(self, histories: Sequence[History], rows: NDArray[np.int64]) -> Histories:
        ends = np.cumsum([len(history.post_ids) for history in histories])
        return window_histories(
            np.concatenate([[0], ends[:-1]]),
            ends,
            np.zeros(len(histories)),
            rows=rows,
            verbs=np.concatenate([history.verbs for history in histories]),
            strengths=np.concatenate([history.strengths for history in histories]),
            days=np.concatenate([history.days for history in histories]),
            length=self._towers.config.history_length,
        )

    def _rows_of(self, met: _MetPosts) -> History:
        """Events as rows of a history, as of the bundle's newest moment, which is 0.

        They are those with posts that the bundle knows, or that have come since and have embeddings.
        """
        named = [(event.post_id, event) for event in met.events if event.post_id is not None and event.verb in _NAMES]
        is_known = self._are_known(np.array([post_id for post_id, _ in named], dtype=np.int64))
        scored = score_person(
            [
                PersonEvent(
                    post_id,
                    _NAMES[event.verb],
                    event.moment,
                    event.rating_percent if event.verb is Verb.RATING else None,
                    SKIP_STRENGTH if event.verb is Verb.SKIP else None,
                )
                for (post_id, event), is_of_bundle in zip(named, is_known, strict=True)
                if is_of_bundle or post_id in met.representations
            ],
            RatingScale(),
        )
        return History(scored.post_ids, scored.verbs, scored.strengths, np.zeros(len(scored.post_ids), np.float32))

    def _knows(self, post_id: int) -> bool:
        return self._are_known(np.array([post_id]))[0]

    def _are_known(self, post_ids: NDArray[np.int64]) -> list[bool]:
        """Whether the bundle holds each post."""
        if not len(self._post_ids):
            return [False] * len(post_ids)
        rows = np.searchsorted(self._post_ids, post_ids)
        return list((self._post_ids.take(rows, mode="clip") == post_ids).tolist())


def _of_those_met(known: Matrix, new: Matrix, histories: Histories) -> tuple[Matrix, Histories]:
    """The representations of the posts in these histories alone, and the histories over them.

    The rows of ``new`` follow those of ``known``, which may be too many to be copied.
    """
    used, rows = np.unique(histories.rows, return_inverse=True)
    is_new = used >= len(known)
    gathered = np.empty((len(used), new.shape[1]), dtype=np.float32)
    gathered[~is_new] = known[used[~is_new]]
    gathered[is_new] = new[used[is_new] - len(known)]
    return gathered, replace(histories, rows=rows.reshape(histories.rows.shape))


def _weight(user: LiveUser) -> int:
    return 1 + len(user.seen_post_ids) // _SEEN_PER_PLACE


def _newest_distinct(post_ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The distinct ids, ascending; of more than ``most`` those whose last place in ``post_ids`` is the latest."""
    distinct, places_from_end = np.unique(post_ids[::-1], return_index=True)
    if len(distinct) <= most:
        return distinct
    return np.sort(distinct[np.argsort(places_from_end, kind="stable")[:most]])
