"""Whether the gateway is ready: every feed needs the post index; without the user tower feeds are degraded.

So are those without one of the shards of the index. A gateway whose list of shards never was right is not ready: it
would refuse feeds. One whose list was right stays ready: feeds of the shards that still are right go on.
"""

from collections.abc import Sequence
from typing import Protocol


class Watched(Protocol):
    """The replicas of a service."""

    @property
    def service(self) -> str:
        """The name of the service."""

    @property
    def is_serving(self) -> bool:
        """Whether at least one replica is SERVING and answers."""


class Wired(Protocol):
    """What is known of the list of the shards."""

    @property
    def fault(self) -> str:
        """What is wrong with it, empty while nothing is known to be."""

    @property
    def was_right(self) -> bool:
        """Whether it was right at any time."""


class Readiness:
    """Reads the health of the services behind the gateway."""

    def __init__(
        self, *, needed: Watched, wanted: Watched, shards: Sequence[Watched] = (), wiring: Wired | None = None
    ) -> None:
        """``shards`` are the parts of what is needed, if there are several; ``wiring`` knows whether they are right."""
        self._needed = needed
        self._wanted = (wanted, *shards)
        self._shards, self._wiring = shards, wiring

    @property
    def missing(self) -> tuple[str, ...]:
        """The unavailable services that every feed needs, or what is wrong with their list; empty if it is ready."""
        if not self._needed.is_serving:
            return (self._needed.service,)
        wiring = self._wiring
        if wiring is None or wiring.was_right or not (wiring.fault or self._shards):
            return ()
        return (wiring.fault or f"{self._needed.service}: which shards these are is not known yet",)

    @property
    def degraded(self) -> tuple[str, ...]:
        """The unavailable services whose absence degrades feeds, and what became wrong with the list of shards."""
        absent = tuple(service.service for service in self._wanted if not service.is_serving)
        became_wrong = self._wiring is not None and self._wiring.was_right and self._wiring.fault
        return (*absent, became_wrong) if became_wrong else absent
