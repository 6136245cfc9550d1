"""The bundles that a process holds, whatever happens to the links and to the files that they lead to."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bundle.directory import Bundle, point_current_at, write_bundle
from bundle.held_bundles import RETRY_SECONDS, BundleNotHeldError, HeldBundles, HeldState
from bundle.manifest import BundleError, Canary, Manifest
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Loaded:
    bundle_id: str


@dataclass
class Heard:
    """What a listener was told."""

    taken_in: list[str] = field(default_factory=list)
    held: list[HeldState] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def took_in(self, bundle_id: str, seconds: float) -> None:
        self.taken_in.append(bundle_id)

    def holds(self, state: HeldState) -> None:
        self.held.append(state)

    def refused(self, bundle: str, reason: str) -> None:
        self.refusals.append(reason)


def make_bundle(root: Path, name: str) -> str:
    manifest = Manifest(
        tower_dimension=4,
        text_dimension=4,
        max_tokens=128,
        user_weight=0.5,
        tower={},
        counts={},
        offline_metrics={},
        library_versions={},
        canaries=(Canary("ana", "", None, (1,), (0.5,)),),
    )
    return write_bundle(
        root,
        manifest,
        write_files=lambda directory: void((directory / "file").write_text(name, encoding="utf-8")),
        sidecar={},
    ).name


def void(_: object) -> None:
    pass


def load(bundle: Bundle) -> Loaded:
    if (bundle.directory / "file").read_text(encoding="utf-8") == "breaks":
        raise RuntimeError("cannot be warmed")
    return Loaded(bundle.bundle_id)


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    names = [make_bundle(tmp_path, name) for name in "abc"]
    point_current_at(tmp_path, names[0])
    return names


def held_in(root: Path) -> tuple[HeldBundles[Loaded], Heard]:
    heard = Heard()
    return HeldBundles(root, load, listener=heard), heard


def test_a_new_bundle_becomes_current_and_the_one_before_it_still_answers(tmp_path: Path, three: list[str]) -> None:
    bundles, heard = held_in(tmp_path)
    point_current_at(tmp_path, three[1])
    assert bundles.current.bundle_id == three[0]
    assert bundles.reload() is True
    assert (bundles.current.bundle_id, bundles.named("").bundle_id) == (three[1], three[1])
    assert bundles.named(three[0]).bundle_id == three[0]
    assert bundles.state == HeldState(three[1], three[0]) == heard.held[-1]
    assert bundles.reload() is False


def test_two_are_held_and_no_more(tmp_path: Path, three: list[str]) -> None:
    bundles, _ = held_in(tmp_path)
    for name in three[1:]:
        point_current_at(tmp_path, name)
        bundles.reload()
    assert bundles.state == HeldState(three[2], three[1])
    with pytest.raises(BundleNotHeldError) as refused:
        bundles.named(three[0])
    assert refused.value.metadata == {"bundle_id": three[0], "current_bundle_id": three[2]}


def test_a_rollback_loads_nothing_anew(tmp_path: Path, three: list[str]) -> None:
    bundles, _ = held_in(tmp_path)
    first = bundles.current
    point_current_at(tmp_path, three[1])
    bundles.reload()
    point_current_at(tmp_path, three[0])
    bundles.reload()
    assert bundles.current is first
    assert bundles.state == HeldState(three[0], three[1])


def test_a_process_that_starts_after_two_publications_holds_the_bundle_before_too(
    tmp_path: Path, three: list[str]
) -> None:
    point_current_at(tmp_path, three[1])
    bundles, _ = held_in(tmp_path)
    bundles.reload()
    assert bundles.state == HeldState(three[1], three[0])


def test_publications_that_a_process_slept_through_leave_it_with_what_the_links_say(
    tmp_path: Path, three: list[str]
) -> None:
    bundles, _ = held_in(tmp_path)
    for name in three[1:]:
        point_current_at(tmp_path, name)
    bundles.reload()
    assert bundles.state == HeldState(three[2], three[1])


def damage(root: Path, name: str) -> None:
    (root / name / "file").write_text("x", encoding="utf-8")


def remove(root: Path, name: str) -> None:
    shutil.rmtree(root / name)


@pytest.mark.parametrize(("harm", "reason"), [(damage, "sha256"), (remove, "points at no bundle")])
def test_a_bundle_that_cannot_be_trusted_changes_nothing_and_is_told(
    tmp_path: Path, three: list[str], harm: Callable[[Path, str], None], reason: str
) -> None:
    bundles, heard = held_in(tmp_path)
    point_current_at(tmp_path, three[1])
    harm(tmp_path, three[1])
    with pytest.raises(BundleError, match=reason):
        bundles.reload()
    assert bundles.state == HeldState(three[0], "")
    assert [reason in refusal for refusal in heard.refusals] == [True]


def test_whatever_breaks_while_a_bundle_is_warmed_refuses_it(tmp_path: Path, three: list[str]) -> None:
    bundles, heard = held_in(tmp_path)
    point_current_at(tmp_path, make_bundle(tmp_path, "breaks"))
    with pytest.raises(BundleError, match="cannot be loaded: RuntimeError: cannot be warmed"):
        bundles.reload()
    assert bundles.current.bundle_id == three[0]
    assert len(heard.refusals) == 1


def test_a_previous_bundle_that_cannot_be_trusted_is_told_and_does_no_harm(tmp_path: Path, three: list[str]) -> None:
    point_current_at(tmp_path, three[1])
    damage(tmp_path, three[0])
    bundles, heard = held_in(tmp_path)
    bundles.reload()
    assert bundles.state == HeldState(three[1], "")
    assert ["sha256" in refusal for refusal in heard.refusals] == [True]


def test_a_watched_link_is_followed(tmp_path: Path, three: list[str]) -> None:
    bundles, _ = held_in(tmp_path)
    with bundles.watched(look_seconds=0.01):
        for name in (three[1], three[2], three[0]):
            point_current_at(tmp_path, name)
            wait_until(lambda name=name: bundles.current.bundle_id == name)
    assert all(thread.name != "bundles" for thread in threading.enumerate())


def test_a_refused_bundle_is_not_tried_again_at_every_look(tmp_path: Path, three: list[str]) -> None:
    heard, seconds = Heard(), [0.0]
    bundles = HeldBundles(tmp_path, load, listener=heard, clock=lambda: seconds[0])
    point_current_at(tmp_path, make_bundle(tmp_path, "breaks"))
    for _ in range(3):
        bundles.look()
    assert len(heard.refusals) == 1
    seconds[0] = RETRY_SECONDS
    for _ in range(3):
        bundles.look()
    assert len(heard.refusals) == 2
    point_current_at(tmp_path, three[1])
    bundles.look()
    assert bundles.current.bundle_id == three[1]


def test_a_new_bundle_is_waited_for_while_the_old_one_serves(tmp_path: Path, three: list[str]) -> None:
    may_come, waits = threading.Event(), threading.Event()
    awaited: list[str] = []

    def await_ready(model: Loaded, is_over: Callable[[], bool]) -> None:
        awaited.append(model.bundle_id)
        waits.set()
        while not may_come.wait(0.01) and not is_over():
            pass

    bundles = HeldBundles(tmp_path, load, listener=Heard(), await_ready=await_ready)
    assert (bundles.current.bundle_id, awaited) == (three[0], [])
    with bundles.watched(look_seconds=0.01):
        point_current_at(tmp_path, three[1])
        assert waits.wait(30)
        assert bundles.current.bundle_id == three[0]
        waits.clear()
        point_current_at(tmp_path, three[2])  # the one that is waited for is not wanted any more
        assert waits.wait(30)
        assert bundles.current.bundle_id == three[0]
        may_come.set()
        while bundles.current.bundle_id != three[2]:
            time.sleep(0.01)
        point_current_at(tmp_path, three[1])  # it is held as the previous one: nothing to wait for
        while bundles.current.bundle_id != three[1]:
            time.sleep(0.01)
    assert awaited == three[1:]
    assert [model.bundle_id for model in bundles.models] == [three[1], three[2]]


def test_a_bundle_that_is_waited_for_does_not_keep_the_process_from_ending(tmp_path: Path, three: list[str]) -> None:
    waits = threading.Event()

    def await_ready(_: Loaded, is_over: Callable[[], bool]) -> None:
        waits.set()
        while not is_over():
            time.sleep(0.01)

    bundles = HeldBundles(tmp_path, load, listener=Heard(), await_ready=await_ready)
    with bundles.watched(look_seconds=0.01):
        point_current_at(tmp_path, three[1])
        assert waits.wait(30)
    assert bundles.current.bundle_id == three[0]
