"""The admin edge without a server: what operators are answered, what is logged and counted."""

from dataclasses import dataclass, field

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from compute.bundle_admin import BundleService, LoggedBundles
from moodfeed.bundle.v1 import bundle_pb2

OLD, NEW = "0" * 64, "1" * 64


@dataclass(frozen=True, slots=True)
class State:
    current_bundle_id: str
    previous_bundle_id: str = ""


@dataclass(slots=True)
class Holder:
    """Takes in what lies before it."""

    state: State = field(default_factory=lambda: State(OLD))
    next_state: State = field(default_factory=lambda: State(NEW, OLD))

    def reload(self) -> bool:
        changed = self.state != self.next_state
        self.state = self.next_state
        return changed


def test_a_reload_answers_with_what_is_held_afterwards_and_whether_that_changed() -> None:
    service = BundleService(Holder())
    for changed in (True, False):
        answer = service.ReloadBundle(bundle_pb2.ReloadBundleRequest(), None)
        assert (answer.current_bundle_id, answer.previous_bundle_id, answer.changed) == (NEW, OLD, changed)


def test_the_held_bundles_are_reported_without_a_reload() -> None:
    answer = BundleService(Holder()).GetHeldBundles(bundle_pb2.GetHeldBundlesRequest(), None)
    assert (answer.current_bundle_id, answer.previous_bundle_id) == (OLD, "")


def test_the_metric_names_the_bundles_that_are_held_and_no_others() -> None:
    def held(bundle_id: str, role: str) -> float | None:
        return REGISTRY.get_sample_value("moodfeed_bundle_held", {"bundle_id": bundle_id, "role": role})

    listener = LoggedBundles()
    listener.holds(State(OLD))
    assert (held(OLD, "current"), held("", "previous")) == (1, None)
    listener.holds(State(NEW, OLD))
    assert (held(NEW, "current"), held(OLD, "previous"), held(OLD, "current")) == (1, 1, None)


def test_a_refused_bundle_is_logged_as_an_error_and_counted() -> None:
    before = REGISTRY.get_sample_value("moodfeed_bundle_refusals_total")
    with capture_logs() as logs:
        LoggedBundles().refused("bundles/x", "a hash differs")
    assert [(line["event"], line["log_level"], line["reason"]) for line in logs] == [
        ("bundle refused", "error", "a hash differs")
    ]
    assert REGISTRY.get_sample_value("moodfeed_bundle_refusals_total") == before + 1
