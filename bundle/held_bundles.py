"""The bundles that a compute service serves: the current one and the previous one, swapped by one assignment."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bundle.directory import Bundle, current_bundle, open_bundle, previous_bundle
from bundle.manifest import BundleError
from bundle.native_memory import give_memory_back

LOOK_SECONDS = 0.5
"""How often a process reads the link ``current``: it takes microseconds, and unlike inotify works on every mount."""

RETRY_SECONDS = 30.0
"""After how long a refused bundle is tried again: its files may still be on their way here."""


class Model(Protocol):
    """What a service builds from a bundle."""

    @property
    def bundle_id(self) -> str:
        """The bundle that it was built from."""


ModelOfBundle = TypeVar("ModelOfBundle", bound=Model)


class BundleNotHeldError(Exception):
    """A request names a bundle that this process does not hold; the metadata names the current one."""

    def __init__(self, bundle_id: str, current_bundle_id: str) -> None:
        super().__init__(f"bundle {bundle_id} is not held, {current_bundle_id} is the current one")
        self.metadata = {"bundle_id": bundle_id, "current_bundle_id": current_bundle_id}


@dataclass(frozen=True, slots=True)
class HeldState:
    """The ids of the bundles held; ``previous_bundle_id`` is empty if only one is held."""

    current_bundle_id: str
    previous_bundle_id: str


class Listener(Protocol):
    """Is told of every change of the bundles held, for the log and the metrics."""

    def took_in(self, bundle_id: str, seconds: float) -> None:
        """A new bundle is current, after ``seconds`` of reading, verifying and warming."""

    def holds(self, state: HeldState) -> None:
        """The bundles held have changed."""

    def refused(self, bundle: str, reason: str) -> None:
        """A bundle was refused; the old one stays current."""


class HeldBundles(Generic[ModelOfBundle]):
    """At most two models; every method may be called from several threads."""

    def __init__(
        self,
        root: Path,
        load: Callable[[Bundle], ModelOfBundle],
        *,
        listener: Listener,
        await_ready: Callable[[ModelOfBundle, Callable[[], bool]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load the bundle that ``current`` points at. ``load`` returns a warm, checked model or raises BundleError.

        ``await_ready`` returns when a new model may become current; the old one serves meanwhile, and the first one is
        not waited for. It is called with the model, and with what says that it is not wanted any more.
        ``clock`` gives seconds that never run backwards.
        """
        self._root = root
        self._load = load
        self._listener = listener
        self._await_ready = await_ready
        self._clock = clock
        self._stopped = threading.Event()
        self._reloading = threading.Lock()
        self._refused_link: str | None = None
        self._retry_at = 0.0
        started = clock()
        self._held: tuple[ModelOfBundle, ...] = (load(open_bundle(current_bundle(root))),)
        listener.took_in(self.state.current_bundle_id, clock() - started)
        listener.holds(self.state)

    @property
    def current(self) -> ModelOfBundle:
        """The model used when a request names no bundle."""
        return self._held[0]

    @property
    def current_directory(self) -> Path:
        """The files of the current bundle."""
        return self._root / self.current.bundle_id

    @property
    def models(self) -> tuple[ModelOfBundle, ...]:
        """The models of the bundles held, the current one first."""
        return self._held

    @property
    def state(self) -> HeldState:
        """Which bundles are held."""
        held = self._held
        return HeldState(held[0].bundle_id, held[1].bundle_id if len(held) > 1 else "")

    def named(self, bundle_id: str) -> ModelOfBundle:
        """The model of a bundle, or the current one if ``bundle_id`` is empty; BundleNotHeldError if it is not held."""
        held = self._held
        if not bundle_id:
            return held[0]
        for model in held:
            if model.bundle_id == bundle_id:
                return model
        raise BundleNotHeldError(bundle_id, held[0].bundle_id)

    def reload(self) -> bool:
        """Hold the bundles that ``current`` and ``previous`` point at now; returns whether anything changed.

        A new bundle is read, verified and warmed while the old one still serves. If it cannot be used, BundleError is
        raised and the old one stays current.
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
            give_memory_back()
            return True

    @contextmanager
    def watched(self, *, look_seconds: float = LOOK_SECONDS) -> Iterator[None]:
        """While the block runs, a thread looks every ``look_seconds``."""
        stop = self._stopped = threading.Event()
        thread = threading.Thread(target=self._watch, args=(stop, look_seconds), name="bundles", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def look(self) -> None:
        """Reload if ``current`` has changed. A refused bundle is tried again only after RETRY_SECONDS."""
        link = self._link()
        if link == self.state.current_bundle_id:
            return
        if link == self._refused_link and self._clock() < self._retry_at:
            return
        self._reload_from(link)

    def _watch(self, stop: threading.Event, look_seconds: float) -> None:
        self._reload_from(self._link())  # loads the previous bundle, which the start did not wait for
        while not stop.wait(look_seconds):
            self.look()

    def _reload_from(self, link: str) -> None:
        try:
            self.reload()
        except BundleError:  # the listener was told, and the old bundle stays current
            self._refused_link, self._retry_at = link, self._clock() + RETRY_SECONDS

    def _link(self) -> str:
        try:
            return current_bundle(self._root).name
        except BundleError:
            return ""

    def _take_in_current(self) -> None:
        started = self._clock()
        directory = current_bundle(self._root)
        if directory.name == self.current.bundle_id:
            return
        new = self._held_or_loaded(directory)
        if self._await_ready is not None and new not in self._held:
            self._await_ready(new, lambda: self._is_not_wanted(new))
            if self._is_not_wanted(new):
                return
        self._held = (new, *(model for model in self._held if model is not new))[:2]
        self._listener.took_in(new.bundle_id, self._clock() - started)

    def _is_not_wanted(self, model: ModelOfBundle) -> bool:
        return self._stopped.is_set() or self._link() != model.bundle_id

    def _hold_previous(self) -> None:
        directory = previous_bundle(self._root)
        if directory is None or directory.name in {model.bundle_id for model in self._held}:
            return
        try:
            self._held = (self.current, self._held_or_loaded(directory))
        except BundleError as error:  # the current bundle does not depend on it
            self._listener.refused(directory.name, str(error))

    def _held_or_loaded(self, directory: Path) -> ModelOfBundle:
        for model in self._held:
            if model.bundle_id == directory.name:
                return model
        try:
            return self._load(open_bundle(directory))
        except BundleError:
            raise
        except Exception as error:  # whatever a bundle breaks in its model, the bundle is refused
            raise BundleError(directory, f"cannot be loaded: {type(error).__name__}: {error}") from error
