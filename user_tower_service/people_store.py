"""What this process writes to the store, and reads back before it answers: its next answers count it."""

from collections.abc import Callable, Sequence

from rpc.tracing import stage
from store.interactions import NewInteraction, Recorded
from store.people import Claim, PersonExport
from store.port import Store
from user_tower_service.live_log import LiveLog

CATCH_UP_SECONDS = 1.0
"""How long the answer to a write waits until this process has read it back."""

MOST_POSTS = 100  # of one page

WANTED_SECONDS = 0.05
"""How long an answer waits for a position that is wanted and not needed."""


class PeopleError(Exception):
    """A request about people that this process cannot answer.

    PeopleError
    ├── InteractionCountError
    ├── NoStoreError
    ├── PositionNotReachedError
    ├── SamePersonError
    └── ServedCountError
    """


class InteractionCountError(PeopleError):
    """The request does not hold 1 to 1000 interactions."""


class ServedCountError(PeopleError):
    """The request does not hold 1 to MOST_POSTS posts."""


class NoStoreError(PeopleError):
    """There is no store."""

    def __init__(self) -> None:
        super().__init__("feedback is not set up: set MOODFEED_STORE_URL for the user tower service")


class PositionNotReachedError(PeopleError):
    """The log does not hold the position that was asked for, or cannot be read up to it now."""

    def __init__(self, position: int, reached: int | None) -> None:
        words = "there is no log" if reached is None else f"the log has been read up to {reached}"
        super().__init__(f"position {position} is not reached: {words}")


class SamePersonError(PeopleError):
    """A person cannot be merged into themselves."""


class PeopleStore:
    """Writes through the store of ``live``, None if there is none; every method may be called from several threads.

    Every method raises NoStoreError and StoreUnavailableError.
    """

    def __init__(self, live: LiveLog | None) -> None:
        self._live = live

    def record(self, interactions: Sequence[NewInteraction]) -> Recorded:
        """Keep interactions durably, each once."""
        live = self._needed()
        with stage("store: record"):
            recorded = live.store.record(interactions)
        _read_back(live, recorded.position)
        return recorded

    def remember_served(self, username: str, post_ids: Sequence[int], *, feed_id: str, read_up_to: int) -> Claim:
        """Remember durably what an answer shows, unless another feed has shown one of the posts since ``read_up_to``.

        Raises ServedCountError, and InvalidInteractionError for a name that cannot be kept.
        """
        live = self._needed()
        if not 1 <= len(post_ids) <= MOST_POSTS:
            raise ServedCountError(f"{len(post_ids)} posts given, 1 to {MOST_POSTS} are allowed")
        with stage("store: claim served"):
            claim = live.store.claim_served(
                username, post_ids, shown_at_ms=live.now_ms(), feed_id=feed_id, read_up_to=read_up_to
            )
        _read_back(live, claim.position)
        return claim

    def export_person(self, username: str) -> PersonExport | None:
        """Everything that is kept about a person; None if nothing is."""
        store = self._needed().store
        with stage("store: export person"):
            return store.export_person(username)

    def delete_person(self, username: str) -> int:
        """Delete a person; gives the position from which on they are unknown."""
        return self._written("store: delete person", lambda store: store.delete_person(username))

    def merge_people(self, merged: str, *, into: str) -> int:
        """Make one person another; gives the position from which on they are one. Raises SamePersonError."""
        if merged == into:
            raise SamePersonError("a person cannot be merged into themselves: name two people")
        return self._written("store: merge people", lambda store: store.merge_people(merged, into=into))

    def catch_up(self, *, at_least: int, wanted: int, seconds: float) -> None:
        """Read the log up to a position; PositionNotReachedError if ``at_least`` is not reached within ``seconds``."""
        if self._live is None:
            if at_least:
                raise PositionNotReachedError(at_least, None)
            return
        if not (at_least or wanted):
            return
        with stage("read log"):
            if at_least and not self._live.reach(at_least, seconds=seconds):
                raise PositionNotReachedError(at_least, self._live.position)
            if wanted:
                self._live.reach(wanted, seconds=min(seconds, WANTED_SECONDS))

    def _needed(self) -> LiveLog:
        if self._live is None:
            raise NoStoreError
        return self._live

    def _written(self, operation: str, write: Callable[[Store], int]) -> int:
        live = self._needed()
        with stage(operation):
            position = write(live.store)
        _read_back(live, position)
        return position


def _read_back(live: LiveLog, position: int) -> None:
    with stage("read log"):
        live.reach(position, seconds=CATCH_UP_SECONDS)
