"""Follow what a bucket publishes: the directory of bundles here points at the same bundle, once it is here."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from bundle.directory import current_bundle, remove_debris
from bundle.manifest import BundleError
from bundle.root_lock import locked
from bundle.stored_bundles import make_current
from bundle_sync.bucket import Bucket, BucketError, Fault, Pointer
from bundle_sync.download import arriving_name, download

LOOKS = Counter(
    "moodfeed_bundle_sync_looks_total",
    "Looks at the bucket by outcome: unchanged, switched, or the fault that kept the old bundle current.",
    ["outcome"],
)
LAST_LOOK = Gauge(
    "moodfeed_bundle_sync_last_success_timestamp_seconds",
    "When a look last ended with the bucket's bundle current here, in seconds since 1970.",
)
UNCHANGED, SWITCHED, STOPPED = "unchanged", "switched", "stopped"
REPEAT_SECONDS = 600.0
"""How often the log repeats a fault that lasts."""

_log = structlog.get_logger("bundle_sync.follow")


class StoppedError(Exception):
    """A download was given up because the process is to stop."""


class Follower:
    """Keeps a directory of bundles at what a bucket publishes; a fault of any kind leaves it as it is."""

    def __init__(
        self,
        bucket: Bucket,
        root: Path,
        *,
        keep: int,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``keep`` is the number of newest bundles that stay here. ``clock`` gives seconds that never run backwards."""
        self._bucket = bucket
        self._root = root
        self._keep = keep
        self._stop = stop or threading.Event()
        self._clock = clock
        self._known: Pointer | None = None
        self._fault = ""
        self._told_at = 0.0
        for outcome in (UNCHANGED, SWITCHED, *Fault):
            LOOKS.labels(outcome)

    def look(self) -> str:
        """Take what is published if it is new; the outcome, which is also counted and, if need be, logged."""
        try:
            outcome = self._take()
        except BucketError as error:
            outcome = error.fault.value
            self._tell(str(error))
        except BundleError as error:  # the directory here, or a bundle of another format
            outcome = Fault.UNWRITABLE.value
            self._tell(str(error))
        else:
            LAST_LOOK.set_to_current_time()
            if self._fault:
                _log.info("the bucket can be followed again", bucket=self._bucket.url)
                self._fault = ""
        LOOKS.labels(outcome).inc()
        return outcome

    def look_once(self) -> str:
        """The outcome of one look; STOPPED if it was given up."""
        try:
            return self.look()
        except StoppedError:
            return STOPPED

    def follow(self, *, every_seconds: float) -> int:
        """Look until the event ``stop``, and return 0."""
        while not self._stop.is_set():
            self.look_once()
            self._stop.wait(every_seconds)
        return 0

    def _take(self) -> str:
        is_here = self._known is not None and self._known.bundle_id == self._here()
        published = self._bucket.current(unless=self._known.tag if self._known and is_here else None)
        if published is None:
            return UNCHANGED
        if published.bundle_id == self._here():
            self._known = published
            return UNCHANGED
        _log.info("fetching a bundle", bundle=published.bundle_id, bucket=self._bucket.url)
        started = self._clock()
        with locked(self._root, on_wait=lambda: _log.info("waiting for another process", root=str(self._root))):
            remove_debris(self._root, but=arriving_name(published.bundle_id))
            download(self._bucket, published.bundle_id, self._root, go_on=self._stop_if_asked)
            removed = make_current(self._root, published.bundle_id, keep=self._keep)
        self._known = published
        _log.info(
            "a bundle is current",
            bundle=published.bundle_id,
            seconds=round(self._clock() - started, 1),
            removed=list(removed),
        )
        return SWITCHED

    def _here(self) -> str:
        try:
            return current_bundle(self._root).name
        except BundleError:
            return ""

    def _tell(self, reason: str) -> None:
        """Log a fault when it begins or changes, and now and then while it lasts."""
        if reason != self._fault or self._clock() - self._told_at >= REPEAT_SECONDS:
            self._fault, self._told_at = reason, self._clock()
            _log.warning("the bundle stays as it is", reason=reason, current=self._here() or None)

    def _stop_if_asked(self) -> None:
        if self._stop.is_set():
            raise StoppedError
