"""Encodes live posts in a thread of its own, for each bundle that is held, and keeps their embeddings in the store.

Every tower does so; what another one has kept meanwhile is left out. A post that cannot be encoded is tried again
later and keeps none of the others waiting.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from weakref import ref

import structlog
from prometheus_client import Counter, Gauge, Histogram

from store.errors import StoreUnavailableError
from store.log_entries import Entry, PostDeleted, PostsEmbedded, PostUpserted, StoreRestored
from store.port import Store
from store.posts import Post, PostEmbedding

POSTS_AT_ONCE = 8  # of one write
SECONDS_AT_ONCE = 0.1
"""After how long a write waits for no further post: what came last is never far behind what waits for longer."""
FRESH_SECONDS = 2.0
"""How long a post is taken before those that wait for longer, such as all live posts of a new bundle."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5.0, 300.0
STORE_RETRY_SECONDS = 0.25
CHECK_SECONDS = 600.0
"""How often what the store lacks is looked up, in case another process deleted embeddings; and old ones forgotten."""

PENDING = Gauge("moodfeed_live_posts_pending", "Live posts that wait for their embeddings, summed over bundles.")
ENCODED = Counter("moodfeed_live_posts_encoded_total", "Live posts that this process has encoded.")
FAILURES = Counter("moodfeed_live_post_encoding_failures_total", "Attempts to encode a live post that failed.")
SECONDS = Histogram(
    "moodfeed_live_post_encoding_seconds",
    "Time from reading a live post until its embeddings are in the store.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600),
)

_log = structlog.get_logger("user_tower_service.post_encoding")


class LivePostEncoder(Protocol):
    """Encodes for one bundle."""

    @property
    def bundle_id(self) -> str:
        """The bundle."""

    def embed_live_post(self, post_id: int, revision: int, post: Post) -> PostEmbedding:
        """The embeddings of one revision of a post."""


@dataclass(slots=True)
class _Waiting:
    """A revision that has no embeddings yet; times are of ``time.monotonic``."""

    post_id: int
    revision: int
    post: Post
    since: float
    due: float = 0.0
    failures: int = 0


@dataclass(slots=True)
class _Backlog:
    """What one bundle lacks. ``is_known`` is false until the store has been asked what that is."""

    encoder: "ref[LivePostEncoder]"
    log_position: int
    is_known: bool = False
    waiting: dict[int, _Waiting] = field(default_factory=dict)

    def put(self, waiting: _Waiting) -> None:
        """Note a revision, unless a newer one or itself waits already."""
        known = self.waiting.get(waiting.post_id)
        if waiting.revision > self.log_position and (known is None or known.revision < waiting.revision):
            self.waiting[waiting.post_id] = waiting

    def drop(self, post_id: int, revision: int) -> None:
        """Note that a revision, and every earlier one, waits no more."""
        known = self.waiting.get(post_id)
        if known is not None and known.revision <= revision:
            del self.waiting[post_id]


class PostEncoding:
    """The live posts that wait, by bundle; every method may be called from several threads."""

    def __init__(self, store: Callable[[], Store], *, bundles: Path | None = None) -> None:
        """``store`` may raise StoreUnavailableError. ``bundles`` is the directory of all bundles that may come back."""
        self._store = store
        self._directory = bundles
        self._changed = threading.Condition()
        self._backlogs: dict[str, _Backlog] = {}
        self._named: set[str] = set()  # bundles that have embeddings, whoever made them
        self._is_stopped = True
        self._check_at = time.monotonic() + CHECK_SECONDS

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the block runs, a thread encodes."""
        thread = threading.Thread(target=self._run, name="live posts", daemon=True)
        self._is_stopped = False
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._is_stopped = True
                self._changed.notify_all()
            thread.join()

    def add(self, encoder: LivePostEncoder, *, log_position: int) -> None:
        """Encode for a bundle, made with the log up to ``log_position``, as long as its encoder is held elsewhere."""
        with self._changed:
            self._backlogs[encoder.bundle_id] = _Backlog(ref(encoder), log_position)
            self._changed.notify_all()

    def wait_for(self, bundle_id: str, *, seconds: float) -> bool:
        """Wait until no post waits for the embeddings of a bundle but those that failed; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_stopped or self._is_done(bundle_id), seconds)

    def take_in(self, entry: Entry) -> None:
        """Note what an entry of the log says about posts."""
        match entry:
            case PostUpserted(position=position, post_id=post_id, post=post) if post is not None:
                with self._changed:
                    for backlog in self._backlogs.values():
                        backlog.put(_Waiting(post_id, position, post, time.monotonic()))
                    self._changed.notify_all()
            case PostDeleted(position=position, post_id=post_id):
                self._drop(None, [(post_id, position)])
            case PostsEmbedded(bundle_id=bundle_id, embeddings=embeddings):
                self._named.add(bundle_id)
                self._drop(bundle_id, [(each.post_id, each.revision) for each in embeddings])
            case StoreRestored():
                with self._changed:
                    for backlog in self._backlogs.values():
                        backlog.waiting.clear()
                        backlog.is_known = False

    def _drop(self, bundle_id: str | None, revisions: list[tuple[int, int]]) -> None:
        with self._changed:
            for name, backlog in self._backlogs.items():
                if bundle_id is None or name == bundle_id:
                    for post_id, revision in revisions:
                        backlog.drop(post_id, revision)
            self._changed.notify_all()

    def _is_done(self, bundle_id: str) -> bool:
        backlog = self._backlogs.get(bundle_id)
        if backlog is None:
            return True
        return backlog.is_known and all(waiting.failures for waiting in backlog.waiting.values())

    def _run(self) -> None:
        while not self._is_stopped:
            try:
                self._check()
                self._look_up()
                bundle_id, encoder, batch = self._next()
                if encoder is None:
                    self._wait_for_work(has_failed=bool(batch))
                    continue
                started = time.monotonic()
                self._encode(bundle_id, encoder, batch)
                if len(batch) > 1:  # more may wait: leave half of a processor to requests
                    self._pause(time.monotonic() - started)
            except StoreUnavailableError:
                self._pause(STORE_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a bundle or a store does
                _log.error("live posts cannot be encoded", error=type(error).__name__)
                self._pause(FIRST_RETRY_SECONDS)

    def _look_up(self) -> None:
        """Ask the store what bundles lack that have just been read."""
        with self._changed:
            unknown = {name: each.log_position for name, each in self._backlogs.items() if not each.is_known}
        for bundle_id, log_position in unknown.items():
            store, now = self._store(), time.monotonic()
            kept = {(each.post_id, each.revision) for each in store.embeddings(bundle_id, after=log_position)}
            revisions = store.post_revisions(after=log_position)
            with self._changed:
                backlog = self._backlogs.get(bundle_id)
                if backlog is None or backlog.log_position != log_position:
                    continue
                for revision in revisions:
                    if revision.post is not None and (revision.post_id, revision.position) not in kept:
                        waiting = _Waiting(revision.post_id, revision.position, revision.post, now - FRESH_SECONDS)
                        backlog.put(waiting)
                backlog.is_known = True
                self._changed.notify_all()

    def _next(self) -> tuple[str, LivePostEncoder | None, list[_Waiting]]:
        """The posts to encode next, of one bundle; no encoder if none is due, with those that are due later."""
        now = time.monotonic()
        with self._changed:
            self._backlogs = {name: each for name, each in self._backlogs.items() if each.encoder() is not None}
            PENDING.set(sum(len(each.waiting) for each in self._backlogs.values()))
            due = [
                (name, waiting)
                for name, backlog in self._backlogs.items()
                for waiting in backlog.waiting.values()
                if waiting.due <= now
            ]
            if not due:
                return "", None, [each for backlog in self._backlogs.values() for each in backlog.waiting.values()]
            fresh = [each for each in due if now - each[1].since < FRESH_SECONDS]
            # Two towers that take the same posts of a long backlog would encode all of it twice.
            bundle_id, first = max(fresh, key=lambda each: each[1].revision) if fresh else random.choice(due)  # noqa: S311
            others = [waiting for name, waiting in fresh or due if name == bundle_id and waiting is not first]
            others = others if fresh else random.sample(others, min(len(others), POSTS_AT_ONCE))
            batch = [first, *others[: POSTS_AT_ONCE - 1]]
            return bundle_id, self._backlogs[bundle_id].encoder(), batch

    def _encode(self, bundle_id: str, encoder: LivePostEncoder, batch: list[_Waiting]) -> None:
        embeddings, done = [], []
        begun = time.monotonic()
        for waiting in batch:
            if time.monotonic() - begun > SECONDS_AT_ONCE:
                break
            try:
                embeddings.append(encoder.embed_live_post(waiting.post_id, waiting.revision, waiting.post))
                done.append(waiting)
            except Exception as error:  # noqa: BLE001 - the others are encoded
                self._note_failure(bundle_id, waiting, error)
        if not embeddings:
            return
        self._store().keep_embeddings(bundle_id, embeddings)
        now = time.monotonic()
        for waiting in done:
            ENCODED.inc()
            SECONDS.observe(now - waiting.since)
        self._drop(bundle_id, [(waiting.post_id, waiting.revision) for waiting in done])

    def _note_failure(self, bundle_id: str, waiting: _Waiting, error: Exception) -> None:
        FAILURES.inc()
        waiting.failures += 1
        seconds = min(FIRST_RETRY_SECONDS * 2 ** (waiting.failures - 1), LONGEST_RETRY_SECONDS)
        waiting.due = time.monotonic() + seconds
        # Not the error's text, which may hold the post's.
        _log.error(
            "live post cannot be encoded",
            post_id=waiting.post_id,
            bundle=bundle_id,
            error=type(error).__name__,
            next_attempt_seconds=seconds,
        )
        with self._changed:
            self._changed.notify_all()

    def _check(self) -> None:
        """Now and then, forget the embeddings of bundles that are gone, and look up what is missing."""
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_SECONDS
        if self._directory is not None:
            kept = {path.name for path in self._directory.iterdir()} | self._named
            with self._changed:
                kept |= set(self._backlogs)
            if forgotten := self._store().forget_embeddings(but_of=kept):
                _log.info("embeddings of bundles that are gone were forgotten", count=forgotten)
        with self._changed:
            for backlog in self._backlogs.values():
                backlog.is_known = False

    def _wait_for_work(self, *, has_failed: bool) -> None:
        """Wait until something changes; where posts have failed, not for long."""
        with self._changed:
            is_idle = all(
                backlog.is_known and (has_failed or not backlog.waiting) for backlog in self._backlogs.values()
            )
            if is_idle and not self._is_stopped:
                until_check = max(self._check_at - time.monotonic(), 0.0)
                self._changed.wait(min(until_check, STORE_RETRY_SECONDS) if has_failed else until_check)

    def _pause(self, seconds: float) -> None:
        """Wait for a time, at most until the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped, seconds)
