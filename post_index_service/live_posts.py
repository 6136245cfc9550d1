"""Follows the log for the posts of one bundle: what came, changed and went since, and the operators' rules.

The thread of the log changes the arrays and then publishes a new ``Layer`` in one assignment, so searches take no lock.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import structlog

from bundle.embedding_space import Vector
from bundle.served_posts import ServedPost
from compute.log_tail import ENTRIES_AT_ONCE, LogTail
from post_index_service.codes import Rows
from post_index_service.layer import NONE_ENDED, EndedRows, Layer
from post_index_service.live_segment import LiveForm, LiveSegment
from post_index_service.rules import RuleBook, rule_book
from post_index_service.trends import PositionNotReachedError, TrendError
from store.log_entries import (
    Entries,
    Entry,
    PostDeleted,
    PostsEmbedded,
    PostUpserted,
    RuleDeleted,
    RuleSet,
    StoreRestored,
)
from store.port import Store
from store.posts import Post, PostEmbedding
from store.rules import Rule


def kept_seconds(page_token_minutes: float) -> float:
    """How long old forms of posts and rules are kept: as long as page tokens live, and a minute."""
    return 60 * (page_token_minutes + 1)


DEFAULT_KEPT_SECONDS = kept_seconds(15.0)

_MARK_SECONDS = 10.0
_MOST_ENDED = 256  # rows of the live segment that are kept although nobody may ask for them any more
_NORM_TOLERANCE = 1e-3

_log = structlog.get_logger("post_index_service.live_posts")


class PostsNotHeldError(TrendError):
    """Posts and rules as of this position are not remembered any more, or not yet."""


class BundlePosts(Protocol):
    """What the live posts ask of the bundle that they lie over; ``accounts`` are the numbers of accounts met since."""

    accounts: dict[str, int]

    def row_of(self, post_id: int) -> int | None:
        """The row of a post in the bundle; None if it is not there."""

    def popularity_of(self, row: int) -> float:
        """The popularity of the post in a row."""

    def rows_of_rule(self, rule: Rule) -> Rows:
        """The rows of the posts that a rule names, ascending."""

    def account_of(self, owner_username: str) -> int:
        """The number of an account, NO_ACCOUNT for an empty name."""

    def learn(self, post: Post) -> int:
        """Count interactions with a post from now on; gives where, see ``Epoch.trends``."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The newest revision of a post since the bundle: ``post`` is None if it was deleted."""

    position: int
    post: Post | None
    is_pending: bool = False


class LivePosts:
    """The posts of one index beyond its bundle; every method may be called from several threads."""

    def __init__(
        self,
        bundle: BundlePosts,
        *,
        bundle_id: str,
        dimensions: tuple[int, int],
        position: int = 0,
        log: LogTail | None = None,
        kept_seconds: float = DEFAULT_KEPT_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``position`` is that of the bundle, ``dimensions`` those of a tower and a text embedding.

        Without a ``log`` nothing ever comes.
        """
        self._bundle, self._bundle_id = bundle, bundle_id
        self._dimensions = dimensions
        self.base = self._applied = position
        self._log, self._kept_seconds, self._now = log, kept_seconds, now
        self._marks: deque[tuple[float, int]] = deque()
        self._has_begun = self._has_read = False
        self._known_since = position
        self._begin()
        self.layer = self._layer(position)
        if log is not None:
            log.add(self)

    def _begin(self, *, first_serial: int = 0) -> None:
        self._segment = LiveSegment(
            tower_dimension=self._dimensions[0], text_dimension=self._dimensions[1], first_serial=first_serial
        )
        self._revisions: dict[int, Revision] = {}
        self._called: dict[str, frozenset[int]] = {}  # posts by external id
        self._visible: dict[int, int] = {}  # rows of the segment by post
        self._pending: set[int] = set()
        self._replaced: set[int] = set()  # posts of which the log does not tell any more what they were
        self._ended: EndedRows = NONE_ENDED
        self._ends: dict[int, tuple[int, bool]] = {}  # of rows of the bundle, since the last publication
        self._gone: set[int] = set()  # rows of the bundle that ended before, and are gone now
        self._names: dict[int, str] = {}
        self._rules = RuleBook()

    @property
    def has_log(self) -> bool:
        """Whether anything can come."""
        return self._log is not None

    @property
    def position(self) -> int:
        """The position up to which the log has been read."""
        return self.layer.position

    @property
    def pending_count(self) -> int:
        """The number of posts whose newest revision waits for its embeddings."""
        return len(self._pending)

    def revision(self, post_id: int) -> Revision | None:
        """The newest revision of a post since the bundle; None if nothing has changed."""
        known = self._revisions.get(post_id)
        return None if known is None else replace(known, is_pending=post_id in self._pending)

    def ids_called(self, external_id: str) -> frozenset[int]:
        """The posts whose newest revision has an external id."""
        return self._called.get(external_id, frozenset())

    def may_be_called(self, post_id: int, external_id: str) -> bool:
        """Whether a post of the bundle has still got its external id."""
        known = self._revisions.get(post_id)
        return known is None or known.post is None or known.post.external_id == external_id

    def as_of(self, position: int | None, *, at_least: int, seconds: float) -> Layer:
        """What has been read, at least up to a position; waits up to ``seconds`` for it.

        PostsNotHeldError if an earlier ``position`` cannot be answered any more, PositionNotReachedError if one of the
        two cannot be reached. Without a log nothing ever comes, so there is nothing to wait for.
        """
        needed = max(at_least if self._log is not None else 0, position or 0)
        if needed > self.layer.position and not self._reach(needed, seconds=seconds):
            raise PositionNotReachedError(f"position {needed} is not reached: posts are read up to {self.position}")
        layer = self.layer
        if position is not None and position < layer.known_since:
            raise PostsNotHeldError(f"posts as of position {position} are not held")
        return layer

    def _reach(self, position: int, *, seconds: float) -> bool:
        return self._log is not None and self._log.reach(self, position, seconds=seconds)

    def read(self, entries: Entries) -> None:
        """Apply the entries, as the tail hands them over."""
        if not self._has_begun and self._log is not None:
            self._rules = rule_book(self._log.store.rules(), self._bundle.rows_of_rule, since=self.base)
            self._has_begun = True
        for entry in entries.entries:
            if entry.position > self._applied:
                self._apply(entry)
                self._applied = entry.position
        self._applied = max(self._applied, entries.position)
        if not self._has_read and self._pending & self._replaced:
            self._known_since = self._applied  # others may show what these posts were before
        self._let_go()
        self.layer = self._layer(self._applied)
        self._has_read |= len(entries.entries) < ENTRIES_AT_ONCE

    def _apply(self, entry: Entry) -> None:
        match entry:
            case PostUpserted(post=Post() as post):
                self._upsert(post, entry.position)
            case PostUpserted() if not self._has_read:
                self._replaced.add(entry.post_id)
            case PostDeleted():
                self._delete(entry.post_id, entry.position)
            case PostsEmbedded(bundle_id=self._bundle_id):
                for embedding in entry.embeddings:
                    self._embed(embedding, entry.position)
            case RuleSet() | RuleDeleted():
                if self._has_read or isinstance(entry, RuleDeleted) or entry.rule is not None:
                    self._rules = self._rules.after(entry, self._bundle.rows_of_rule)
            case StoreRestored() if self._has_read and self._log is not None:
                self._read_anew(self._log.store, entry.position)
            case _:
                return
        if not self._has_read:  # what replaced revisions were is not in the log any more
            self._known_since = entry.position

    def _read_anew(self, store: Store, position: int) -> None:
        """Take everything from the store, which holds a backup now: what was read before is not so any more."""
        self._begin(first_serial=self._segment.next_serial)
        for revision in store.post_revisions(after=self.base):
            if revision.post is None:
                self._delete(revision.post_id, revision.position)
            else:
                self._upsert(revision.post, revision.position)
        for embedding in store.embeddings(self._bundle_id, after=self.base):
            self._embed(embedding, position)
        self._rules = rule_book(store.rules(), self._bundle.rows_of_rule, since=position)
        self._known_since = position

    def _upsert(self, post: Post, position: int) -> None:
        if self._is_known(post.post_id, position):
            return
        self._bundle.learn(post)
        self._rename(post.post_id, post.external_id)
        if post.category_name and self._names.get(post.category_id) != post.category_name:
            self._names = self._names | {post.category_id: post.category_name}
        self._revisions[post.post_id] = Revision(position, replace(post, description="", emotions=()))
        if post.is_servable:
            self._pending.add(post.post_id)
        else:
            self._take_away(post.post_id, position)

    def _rename(self, post_id: int, external_id: str) -> None:
        known = self._revisions.get(post_id)
        before = known.post.external_id if known is not None and known.post is not None else ""
        if before != external_id and before:
            self._called[before] = self._called[before] - {post_id}
        if external_id:
            self._called[external_id] = self._called.get(external_id, frozenset()) | {post_id}

    def _delete(self, post_id: int, position: int) -> None:
        if not self._is_known(post_id, position):
            self._revisions[post_id] = Revision(position, None)
            self._take_away(post_id, position)

    def _is_known(self, post_id: int, position: int) -> bool:
        known = self._revisions.get(post_id)
        return known is not None and known.position >= position

    def _embed(self, embedding: PostEmbedding, position: int) -> None:
        known = self._revisions.get(embedding.post_id)
        if known is None or known.post is None or known.position != embedding.revision:
            return
        if embedding.post_id not in self._pending:
            return
        tower = self._vector(embedding.tower, "<f4", self._dimensions[0])
        text = self._vector(embedding.text, "<f2", self._dimensions[1], or_zero=True)
        if tower is None or text is None:
            _log.error("embedding refused", post_id=embedding.post_id, revision=embedding.revision)
            return
        post = known.post
        self._end_visible(post.post_id, position)
        row_in_bundle = self._bundle.row_of(post.post_id)
        form = LiveForm(
            post=ServedPost(
                post.post_id,
                post.video_link,
                post.title,
                post.thumbnail_url,
                post.category_id,
                post.owner_username,
                post.external_id,
                post.language,
            ),
            tower=tower,
            text=text,
            popularity=0.0 if row_in_bundle is None else self._bundle.popularity_of(row_in_bundle),
            trend_row=self._bundle.learn(post),
            account=self._bundle.account_of(post.owner_username),
            created_at_ms=post.created_at_ms,
            language=post.language,
        )
        self._visible[post.post_id] = self._segment.append(form, position=position)
        self._pending.discard(post.post_id)

    @staticmethod
    def _vector(content: bytes, dtype: str, dimension: int, *, or_zero: bool = False) -> Vector | None:
        """The vector as float32; None if it is not a unit vector of the dimension."""
        if len(content) != dimension * np.dtype(dtype).itemsize:
            return None
        vector = np.frombuffer(content, dtype=dtype).astype(np.float32)
        norm = float(np.linalg.norm(vector))
        is_unit = abs(norm - 1) <= _NORM_TOLERANCE or (or_zero and norm == 0)
        return vector if is_unit else None

    def _end_visible(self, post_id: int, position: int, *, is_gone: bool = False) -> None:
        live = self._visible.pop(post_id, None)
        if live is not None:
            self._segment.end(live, position=position)
        row = self._bundle.row_of(post_id)
        if row is not None and row not in self._ends and not self._has_ended(row):
            self._ends[row] = (position, is_gone)

    def _has_ended(self, row: int) -> bool:
        place = int(self._ended.rows.searchsorted(row))
        return place < len(self._ended.rows) and int(self._ended.rows[place]) == row

    def _take_away(self, post_id: int, position: int) -> None:
        self._pending.discard(post_id)
        self._end_visible(post_id, position, is_gone=True)
        self._segment.take_away(post_id)
        row = self._bundle.row_of(post_id)
        if row is not None:
            if row in self._ends:
                self._ends[row] = (self._ends[row][0], True)
            else:
                self._gone.add(row)

    def _layer(self, position: int) -> Layer:
        self._segment.publish()
        if self._ends or self._gone:
            self._ended = _with(self._ended, self._ends, self._gone)
            self._ends, self._gone = {}, set()
        return Layer(
            position=position,
            known_since=self._known_since,
            live=self._segment.rows,
            ended=self._ended,
            rules=self._rules,
            category_names=self._names,
            accounts=self._bundle.accounts,
            languages=self._segment.languages,
        )

    def _let_go(self) -> None:
        """Drop what ended so long ago that no page token can ask for it."""
        now = self._now()
        if not self._marks or now - self._marks[-1][0] >= _MARK_SECONDS:
            self._marks.append((now, self.layer.position))
        while len(self._marks) > 1 and now - self._marks[1][0] >= self._kept_seconds:
            self._marks.popleft()
        since, position = self._marks[0]
        if now - since < self._kept_seconds or self._segment.ended_before(position) < _MOST_ENDED:
            return
        kept = self._segment.drop(position)
        rows = {int(old): new for new, old in enumerate(kept.tolist())}
        self._visible = {post_id: rows[row] for post_id, row in self._visible.items()}
        self._rules = self._rules.without_those_before(position)
        self._known_since = max(self._known_since, position)


def _with(ended: EndedRows, ends: Mapping[int, tuple[int, bool]], gone: Sequence[int] | set[int]) -> EndedRows:
    new = sorted(ends)
    places = ended.rows.searchsorted(new)
    rows = np.insert(ended.rows, places, new)
    positions = np.insert(ended.positions, places, [ends[row][0] for row in new])
    is_gone = np.insert(ended.is_gone, places, [ends[row][1] for row in new])
    if gone:
        is_gone[rows.searchsorted(sorted(gone))] = True
    return EndedRows(rows, positions, is_gone)
