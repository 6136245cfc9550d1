"""New bundles go live under load: no request fails, and no reply mixes two bundles."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from bundle.directory import point_current_at, write_bundle
from bundle.file_names import MANIFEST_NAME, MOOD_ENCODER, SIDECAR_NAME
from bundle.manifest import read_manifest
from mood_encoder.encoder_files import TOKENIZER, WEIGHTS
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from rpc.errors import read_error_info
from tests.faults.expectations import Expectations
from tests.faults.fleet import INDEXES, TOWERS, Fleet, running_fleet
from tests.faults.load import Outcomes, running_load, wait_for_requests

SWAPS = 10
LOAD_SECONDS = 60.0


def held_by(fleet: Fleet, name: str) -> bundle_pb2.GetHeldBundlesResponse:
    with grpc.insecure_channel(fleet.addresses[name]) as channel:
        return bundle_pb2_grpc.BundleServiceStub(channel).GetHeldBundles(bundle_pb2.GetHeldBundlesRequest(), timeout=10)


def all_serve(fleet: Fleet, bundle_id: str) -> bool:
    return all(held_by(fleet, name).current_bundle_id == bundle_id for name in (*TOWERS, *INDEXES))


def make_current(fleet: Fleet, bundle_id: str) -> None:
    point_current_at(fleet.bundles, bundle_id)
    fleet.wait_until(lambda: all_serve(fleet, bundle_id), what=f"all serve {bundle_id}")


def test_ten_swaps_and_a_rollback_under_load_fail_and_mix_nothing(
    bundles: Path, three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    names = [directory.name for directory in three_bundles]
    with (
        running_fleet(bundles, tmp_path / "logs", settings={"MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE": "10000"}) as fleet,
        running_load(fleet.target, expectations, in_flight=32) as outcomes,
    ):
        for swap in range(1, SWAPS + 1):
            ask_for_a_while(outcomes)
            make_current(fleet, names[swap % len(names)])
        ask_for_a_while(outcomes)
        make_current(fleet, names[(SWAPS - 1) % len(names)])  # the rollback
        ask_for_a_while(outcomes)
    outcomes.record("10 new bundles and a rollback", injected="`current` moved while 32 requests are in flight")
    assert outcomes.wrong == []
    assert (outcomes.failed, outcomes.degraded) == ({}, {})
    assert set(outcomes.bundles) == set(names)


@pytest.mark.parametrize(
    ("encoders", "share_kept"),
    [("the same", 0.2), ("another each", 1.0)],  # of what one bundle takes
)
def test_the_memory_of_dropped_bundles_is_given_back(
    bundles: Path, three_bundles: list[Path], tmp_path: Path, encoders: str, share_kept: float
) -> None:
    names = [directory.name for directory in three_bundles]
    if encoders == "another each":
        names = [with_another_tokenizer(bundles, name, number) for number, name in enumerate(names, start=1)]
        point_current_at(bundles, names[0])
    with running_fleet(bundles, tmp_path / "logs", replicas=1) as fleet:
        processes = (TOWERS[0], INDEXES[0])
        memory: dict[str, list[int]] = {name: [] for name in processes}
        for swap in range(1, 21):
            point_current_at(bundles, names[swap % len(names)])
            for name in processes:
                assert reload(fleet, name).current_bundle_id == names[swap % len(names)]
                memory[name].append(fleet.memory_bytes(name))
    for name, readings in memory.items():
        print(name, [round(reading / 1e6) for reading in readings])
        assert max(readings[1:]) - readings[1] < share_kept * weight_in_memory(three_bundles[0]), name


def with_another_tokenizer(bundles: Path, name: str, number: int) -> str:
    """A copy of a bundle whose tokenizer has other bytes and the same meaning."""

    def write_files(directory: Path) -> None:
        shutil.copytree(bundles / name, directory, dirs_exist_ok=True)
        for written_by_itself in (MANIFEST_NAME, SIDECAR_NAME):
            (directory / written_by_itself).unlink()
        tokenizer = directory / MOOD_ENCODER / TOKENIZER
        content = tokenizer.read_bytes()
        tokenizer.unlink()
        tokenizer.write_bytes(content + b"\n" * number)

    manifest = replace(read_manifest(bundles / name), files={})
    return write_bundle(bundles, manifest, write_files=write_files, sidecar={}).name


def reload(fleet: Fleet, name: str) -> bundle_pb2.ReloadBundleResponse:
    with grpc.insecure_channel(fleet.addresses[name]) as channel:
        return bundle_pb2_grpc.BundleServiceStub(channel).ReloadBundle(bundle_pb2.ReloadBundleRequest(), timeout=60)


def weight_in_memory(directory: Path) -> int:
    """Bytes of what the services read: all but the full weights of the BERT, which only the pipeline reads."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and path.name != WEIGHTS)


@pytest.mark.parametrize("name", ["manifest.json", "index.safetensors", "user_tower.safetensors"])
def test_a_bundle_that_cannot_be_trusted_is_refused_by_answer_log_and_metric_and_the_old_one_serves_on(
    bundles: Path, three_bundles: list[Path], expectations: Expectations, tmp_path: Path, name: str
) -> None:
    old, new = three_bundles[0].name, three_bundles[1].name
    damaged = bundles / new / name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(content)
    with (
        running_fleet(bundles, tmp_path / "logs", replicas=1) as fleet,
        running_load(fleet.target, expectations, in_flight=8) as outcomes,
    ):
        wait_for_requests(outcomes, 50)
        point_current_at(bundles, new)
        for process in (TOWERS[0], INDEXES[0]):
            with pytest.raises(grpc.RpcError) as refused:
                reload(fleet, process)
            assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert read_error_info(refused.value).reason == "BUNDLE_REFUSED"
            assert name in refused.value.details()
            fleet.wait_until(lambda process=process: "bundle refused" in fleet.log(process), what="the log says so")
            assert name in fleet.log(process)
        wait_for_requests(outcomes, 50)
        assert set(outcomes.bundles) == {old}
    outcomes.record(f"a new bundle with a flipped bit in {name}", injected="`current` moved to it, then ReloadBundle")
    assert (outcomes.wrong, outcomes.failed, outcomes.degraded) == ([], {}, {})


def ask_for_a_while(outcomes: Outcomes) -> None:
    ends = time.monotonic() + LOAD_SECONDS / (SWAPS + 2)
    wait_for_requests(outcomes, 100)
    while time.monotonic() < ends:
        wait_for_requests(outcomes, 1)
