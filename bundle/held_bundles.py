"""The bundles that a compute service answers from: the current one and the one before it, swapped by one assignment."""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bundle.directory import Bundle, current_bundle, open_bundle, previous_bundle
from bundle.manifest import BundleError

LOOK_SECONDS = 0.5
"""How often a process looks where ``current`` points: reading a link takes microseconds, and works on every mount."""

_RETRY_SECONDS = 30.0  # a refused bundle may still be on its way here


class Model(Protocol):
    """What a service makes of a bundle."""

    @property
    def bundle_id(self) -> str:
        """The bundle that it was made of."""


ModelOfBundle = TypeVar("ModelOfBundle", bound=Model)


class BundleNotHeldError(Exception):
    """A request names a bundle that this process does not hold; the metadata says which it does."""

    def __init__(self, bundle_id: str, current_bundle_id: str) -> None:
        super().__init__(f"bundle {bundle_id} is not held, {current_bundle_id} is the current one")
        self.metadata = {"bundle_id": bundle_id, "current_bundle_id": current_bundle_id}


@dataclass(frozen=True, slots=True)
class HeldState:
    """Which bundles answer; ``previous_bundle_id`` is empty if only one does."""

    current_bundle_id: str
    previous_bundle_id: str


class Listener(Protocol):
    """Hears what becomes of bundles, for the log and the metrics."""

    def took_in(self, bundle_id: str, seconds: float) -> None:
        """Another bundle is current, after ``seconds`` of reading, verifying and warming."""

    def holds(self, state: HeldState) -> None:
        """What is held has changed."""

    def refused(self, bundle: str, reason: str) -> None:
        """A bundle cannot be trusted; the old one serves on."""


class HeldBundles(Generic[ModelOfBundle]):
    """Two models at most; every method may be called from several threads."""

    def __init__(self, root: Path, load: Callable[[Bundle], ModelOfBundle], *, listener: Listener) -> None:
        """Load what ``current`` points at; ``load`` makes a warm model and proves it. BundleError if it cannot."""
        self._root = root
        self._load = load
        self._listener = listener
        self._reloading = threading.Lock()
        self._refused_link: str | None = None
        self._retry_at = 0.0
        started = time.monotonic()
        self._held: tuple[ModelOfBundle, ...] = (load(open_bundle(current_bundle(root))),)
        listener.took_in(self.state.current_bundle_id, time.monotonic() - started)
        listener.holds(self.state)

    @property
    def current(self) -> ModelOfBundle:
        """The model that answers who names no bundle."""
        return self._held[0]

    @property
    def state(self) -> HeldState:
        """Which bundles answer."""
        held = self._held
        return HeldState(held[0].bundle_id, held[1].bundle_id if len(held) > 1 else "")

    def named(self, bundle_id: str) -> ModelOfBundle:
        """The model of a bundle, the current one if the name is empty; BundleNotHeldError."""
        held = self._held
        if not bundle_id:
            return held[0]
        for model in held:
            if model.bundle_id == bundle_id:
                return model
        raise BundleNotHeldError(bundle_id, held[0].bundle_id)

    def reload(self) -> bool:
        """Hold what ``current`` and ``previous`` point at now; whether anything changed.

        A new bundle is read, verified and warmed beside the old one, which answers until it is live, and serves on if
        BundleError is raised.
        """
        with self._reloading:
            before = self.state
            try:
                self._take_in_current()
            except BundleError as error:
                self._listener.refused(error.path.name, str(error))
                raise
            self._hold_previous()
            if self.state == before:
                return False
            self._listener.holds(self.state)
            _give_memory_back()
            return True

    @contextmanager
    def watched(self, *, look_seconds: float = LOOK_SECONDS) -> Iterator[None]:
        """Look at ``current`` in a thread while the block runs, and take in what is new."""
        stop = threading.Event()
        thread = threading.Thread(target=self._watch, args=(stop, look_seconds), name="bundles", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _watch(self, stop: threading.Event, look_seconds: float) -> None:
        self._reload_if_due(has_changed=True)  # the bundle before the current one, which the start did not wait for
        while not stop.wait(look_seconds):
            self._reload_if_due(has_changed=self._link() != self.state.current_bundle_id)

    def _reload_if_due(self, *, has_changed: bool) -> None:
        link = self._link()
        if not has_changed or (link == self._refused_link and time.monotonic() < self._retry_at):
            return
        try:
            self.reload()
        except BundleError:  # the listener was told, and the old bundle serves on
            self._refused_link, self._retry_at = link, time.monotonic() + _RETRY_SECONDS

    def _link(self) -> str:
        try:
            return current_bundle(self._root).name
        except BundleError:
            return ""

    def _take_in_current(self) -> None:
        started = time.monotonic()
        directory = current_bundle(self._root)
        if directory.name == self.current.bundle_id:
            return
        new = self._held_or_loaded(directory)
        self._held = (new, *(model for model in self._held if model is not new))[:2]
        self._listener.took_in(new.bundle_id, time.monotonic() - started)

    def _hold_previous(self) -> None:
        directory = previous_bundle(self._root)
        if directory is None or directory.name in {model.bundle_id for model in self._held}:
            return
        try:
            self._held = (self.current, self._held_or_loaded(directory))
        except BundleError as error:  # the current one does not depend on it
            self._listener.refused(directory.name, str(error))

    def _held_or_loaded(self, directory: Path) -> ModelOfBundle:
        for model in self._held:
            if model.bundle_id == directory.name:
                return model
        try:
            return self._load(open_bundle(directory))
        except BundleError:
            raise
        except Exception as error:  # whatever a bundle breaks, it is the bundle that is refused
            raise BundleError(directory, f"cannot be loaded: {type(error).__name__}: {error}") from error


def _give_memory_back() -> None:
    """Hand the dropped bundle's pages to the system; glibc keeps them otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
