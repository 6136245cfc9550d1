"""The admin edge of a process that holds bundles: reload them, report which are held, log and count changes."""

from pathlib import Path
from typing import Protocol

import grpc
import structlog
from prometheus_client import Counter, Gauge, Histogram

from bundle.directory import made_at
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc

SERVICE_NAME = bundle_pb2.DESCRIPTOR.services_by_name["BundleService"].full_name

SWAPS = Counter("moodfeed_bundle_swaps_total", "Bundles that became current, the first one included.")
REFUSALS = Counter("moodfeed_bundle_refusals_total", "Bundles that could not be trusted.")
LOAD_SECONDS = Histogram(
    "moodfeed_bundle_load_seconds",
    "Time to read, verify and warm a bundle.",
    buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
HELD = Gauge("moodfeed_bundle_held", "1 for each bundle that is held, by its role.", ["bundle_id", "role"])
MADE = Gauge(
    "moodfeed_bundle_made_timestamp_seconds",
    "When the current bundle was made, in seconds since 1970; 0 if it does not say.",
)

_log = structlog.get_logger("compute.bundle_admin")


class HeldState(Protocol):
    """Which bundles are held; ``previous_bundle_id`` is empty if only one is."""

    @property
    def current_bundle_id(self) -> str:
        """64 hexadecimal digits."""

    @property
    def previous_bundle_id(self) -> str:
        """64 hexadecimal digits, or an empty text."""


class BundleHolder(Protocol):
    """Holds the bundles that a process serves."""

    @property
    def state(self) -> HeldState:
        """Which bundles are held."""

    def reload(self) -> bool:
        """Load the bundle that is current now; return whether that changed anything."""


class LoggedBundles:
    """Logs and counts what happens to bundles."""

    def __init__(self, bundles: Path | None = None) -> None:
        """``bundles`` is the directory of all bundles, which tells when each was made."""
        self._bundles = bundles

    def took_in(self, bundle_id: str, seconds: float) -> None:
        """A bundle was loaded in so many ``seconds`` and is current."""
        SWAPS.inc()
        LOAD_SECONDS.observe(seconds)
        _log.info("bundle current", bundle_id=bundle_id, seconds=round(seconds, 3))

    def holds(self, state: HeldState) -> None:
        """The held bundles changed."""
        MADE.set(0 if self._bundles is None else made_at(self._bundles / state.current_bundle_id))
        HELD.clear()
        HELD.labels(state.current_bundle_id, "current").set(1)
        if state.previous_bundle_id:
            HELD.labels(state.previous_bundle_id, "previous").set(1)
        _log.info("bundles held", current=state.current_bundle_id, previous=state.previous_bundle_id)

    def refused(self, bundle: str, reason: str) -> None:
        """A bundle cannot be trusted; the one before it stays in use."""
        REFUSALS.inc()
        _log.error("bundle refused", bundle=bundle, reason=reason)


class BundleService(bundle_pb2_grpc.BundleServiceServicer):
    """Answers operators; the errors that ``holder`` raises are in the error table of the process."""

    def __init__(self, holder: BundleHolder) -> None:
        self._holder = holder

    def ReloadBundle(  # noqa: N802 - gRPC gives the name
        self,
        request: bundle_pb2.ReloadBundleRequest,  # noqa: ARG002 - it is empty
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> bundle_pb2.ReloadBundleResponse:
        """Load the bundle that is current now; answer when it is in use."""
        changed = self._holder.reload()
        state = self._holder.state
        return bundle_pb2.ReloadBundleResponse(
            current_bundle_id=state.current_bundle_id, previous_bundle_id=state.previous_bundle_id, changed=changed
        )

    def GetHeldBundles(  # noqa: N802 - gRPC gives the name
        self,
        request: bundle_pb2.GetHeldBundlesRequest,  # noqa: ARG002 - it is empty
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> bundle_pb2.GetHeldBundlesResponse:
        """Report which bundles are held."""
        state = self._holder.state
        return bundle_pb2.GetHeldBundlesResponse(
            current_bundle_id=state.current_bundle_id, previous_bundle_id=state.previous_bundle_id
        )
