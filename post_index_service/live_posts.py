"""Follows the log for the posts of one bundle: what came, changed and went since, and the operators' rules.

The thread of the log changes the arrays and then publishes a new ``Layer`` in one assignment, so searches take no lock.
"""

import time
from collections.abc import Callable

import structlog

from compute.log_freshness import BUCKETS
from compute.log_tail import ENTRIES_AT_ONCE, LogTail
from post_index_service.division import WHOLE, Shard
from post_index_service.ended_rows import EndingRows
from post_index_service.kept_moments import DEFAULT_KEPT_SECONDS, KeptMoments
from post_index_service.layer import Layer
from post_index_service.live_forms import BundlePosts, live_form
from post_index_service.live_revisions import LiveRevisions, Revision
from post_index_service.live_segment import LiveSegment
from post_index_service.rules import RuleBook, rule_book
from post_index_service.trends import PositionNotReachedError, TrendError
from rpc.weighted_histogram import WeightedHistogram
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

VISIBLE = WeightedHistogram(
    "moodfeed_post_visible_seconds",
    "At most so long after it was written, searches find a live post, of each bundle that is held.",
    buckets=BUCKETS,
)
_MOST_ENDED = 256  # rows of the live segment that are kept although nobody may ask for them any more

_log = structlog.get_logger("post_index_service.live_posts")


class PostsNotHeldError(TrendError):
    """Posts and rules as of this position are not remembered any more, or not yet."""


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
        shard: Shard = WHOLE,
    ) -> None:
        """``position`` is that of the bundle, ``dimensions`` those of a tower and a text embedding.

        Without a ``log`` nothing ever comes. The posts of all shards are kept: ``shard`` says which are ranked.
        """
        self._shard = shard
        self._bundle, self._bundle_id = bundle, bundle_id
        self._dimensions = dimensions
        self.base = self._applied = position
        self._log = log
        self._moments = KeptMoments(kept_seconds, now)
        self._has_begun = self._has_read = False
        self._known_since = self._changed = position
        self._begin()
        self.layer = self._layer(position)
        if log is not None:
            log.add(self)

    def _begin(self, *, first_serial: int = 0) -> None:
        self._segment = LiveSegment(
            tower_dimension=self._dimensions[0], text_dimension=self._dimensions[1], first_serial=first_serial
        )
        self._revisions = LiveRevisions()
        self._visible: dict[int, int] = {}  # rows of the segment by post
        self._replaced: set[int] = set()  # posts of which the log does not tell any more what they were
        self._ended = EndingRows()
        self._rules = RuleBook()
        self._written_after: dict[int, float] = {}  # by post that is not visible yet

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
        return len(self._revisions.pending)

    def revision(self, post_id: int) -> Revision | None:
        """The newest revision of a post since the bundle; None if nothing has changed."""
        return self._revisions.of(post_id)

    def ids_called(self, external_id: str) -> frozenset[int]:
        """The posts whose newest revision has an external id."""
        return self._revisions.called(external_id)

    def may_be_called(self, post_id: int, external_id: str) -> bool:
        """Whether a post of the bundle has still got its external id."""
        return self._revisions.may_be_called(post_id, external_id)

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
        if not self._has_read:
            self._changed = self._applied
        if not self._has_read and self._revisions.pending & self._replaced:
            self._known_since = self._applied  # others may show what these posts were before
        self._let_go()
        self.layer = self._layer(self._applied)
        self._measure()
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
        self._changed = entry.position
        if not self._has_read:  # what replaced revisions were is not in the log any more
            self._known_since = entry.position

    def _measure(self) -> None:
        """Measure the posts that have become visible."""
        if self._written_after:
            now = time.monotonic()
            for post_id in self._written_after.keys() - self._revisions.pending:
                VISIBLE.observe(now - self._written_after.pop(post_id))

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
        if self._revisions.is_known(post.post_id, position):
            return
        self._bundle.learn(post)
        self._revisions.upsert(post, position)
        if not post.is_servable:
            self._take_away(post.post_id, position)
        elif self._has_read and self._log is not None and self._log.written_after is not None:
            self._written_after[post.post_id] = self._log.written_after

    def _delete(self, post_id: int, position: int) -> None:
        if not self._revisions.is_known(post_id, position):
            self._revisions.delete(post_id, position)
            self._take_away(post_id, position)

    def _embed(self, embedding: PostEmbedding, position: int) -> None:
        post = self._revisions.pending_post(embedding.post_id, embedding.revision)
        if post is None:
            return
        form = live_form(post, embedding, bundle=self._bundle, dimensions=self._dimensions)
        if form is None:
            _log.error("embedding refused", post_id=embedding.post_id, revision=embedding.revision)
            return
        self._end_visible(post.post_id, position)
        self._visible[post.post_id] = self._segment.append(form, position=position)
        self._revisions.pending.discard(post.post_id)

    def _end_visible(self, post_id: int, position: int, *, is_gone: bool = False) -> None:
        live = self._visible.pop(post_id, None)
        if live is not None:
            self._segment.end(live, position=position)
        row = self._bundle.row_of(post_id)
        if row is not None:
            self._ended.end(row, position=position, is_gone=is_gone)

    def _take_away(self, post_id: int, position: int) -> None:
        self._revisions.pending.discard(post_id)
        self._written_after.pop(post_id, None)
        self._end_visible(post_id, position, is_gone=True)
        self._segment.take_away(post_id)
        row = self._bundle.row_of(post_id)
        if row is not None:
            self._ended.take_away(row)

    def _layer(self, position: int) -> Layer:
        self._segment.publish()
        return Layer(
            position=position,
            known_since=self._known_since,
            live=self._segment.rows,
            changed=self._changed,
            ended=self._ended.published(),
            rules=self._rules,
            shard=self._shard,
            category_names=self._revisions.category_names,
            accounts=self._bundle.accounts,
            languages=self._segment.languages,
        )

    def _let_go(self) -> None:
        """Drop what ended so long ago that no page token can ask for it."""
        position = self._moments.oldest(self.layer.position)
        if position is None:
            return
        if self._rules.has_those_before(position):
            self._rules = self._rules.without_those_before(position)
            self._known_since = max(self._known_since, position)
        if self._segment.ended_before(position) >= _MOST_ENDED:
            kept = self._segment.drop(position)
            rows = {int(old): new for new, old in enumerate(kept.tolist())}
            self._visible = {post_id: rows[row] for post_id, row in self._visible.items()}
            self._known_since = max(self._known_since, position)
