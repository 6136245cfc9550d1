"""Whether the gateway is ready: every feed needs the post index; without the user tower feeds are degraded.

So are those without one of the shards of the index.
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


class Readiness:
    """Reads the health of the services behind the gateway."""

    def __init__(self, *, needed: Watched, wanted: Watched, shards: Sequence[Watched] = ()) -> None:
        """``shards`` are the parts of what is needed, if there are several."""
        self._needed = needed
        self._wanted = (wanted, *shards)

    @property
    def missing(self) -> tuple[str, ...]:
        """The unavailable services that every feed needs; empty if the gateway is ready."""
        return () if self._needed.is_serving else (self._needed.service,)

    @property
    def degraded(self) -> tuple[str, ...]:
        """The unavailable services whose absence degrades feeds."""
        return tuple(service.service for service in self._wanted if not service.is_serving)
