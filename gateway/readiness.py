"""Whether the gateway can answer: it needs the index; without the user tower its feeds are degraded."""

from typing import Protocol


class Watched(Protocol):
    """The replicas of a service."""

    @property
    def service(self) -> str:
        """Its name."""

    @property
    def is_serving(self) -> bool:
        """Whether any of them is SERVING and answers."""


class Readiness:
    """Reads the health of the services behind the gateway."""

    def __init__(self, *, needed: Watched, wanted: Watched) -> None:
        self._needed = needed
        self._wanted = wanted

    @property
    def missing(self) -> tuple[str, ...]:
        """The service without which no feed can be given; empty if the gateway is ready."""
        return () if self._needed.is_serving else (self._needed.service,)

    @property
    def degraded(self) -> tuple[str, ...]:
        """The service without which feeds are degraded; empty if all is well."""
        return () if self._wanted.is_serving else (self._wanted.service,)
