"""Three shards, a user tower and a gateway as real processes, each with a bundle directory of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx

from benchmarks.processes import free_addresses
from bundle.directory import point_current_at
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from rpc.probe import is_serving
from tests.scale.shards.swapped_bundles import SHARDS, write_posts_bundle
from tests.waiting import wait_until

SHARD_NAMES = tuple(f"shard {number}" for number in range(SHARDS))
TOWER, GATEWAY = "tower", "gateway"


@dataclass
class ShardFleet:
    """The processes by name; what is started here ends with the test, by its process id."""

    root: Path
    addresses: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def bundles_of(self, name: str) -> Path:
        return self.root / "bundles" / name

    def write_bundles(self, seeds: Sequence[int]) -> list[Path]:
        """A bundle for each seed, the same in the directories of all processes; the first one is current."""
        written = []
        for name in (*SHARD_NAMES, TOWER):
            root = self.bundles_of(name)
            root.mkdir(parents=True)
            written = [write_posts_bundle(root, seed) for seed in seeds]
            point_current_at(root, written[0].name)
        return written

    def start(self, name: str) -> None:
        """Start a process, and wait until it serves."""
        address = self.addresses[name]
        variables = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "MOODFEED_BUNDLES": str(self.bundles_of(name))}
        if name == GATEWAY:
            module = "gateway"
            variables |= {
                "MOODFEED_GATEWAY_GRPC_ADDRESS": address,
                "MOODFEED_GATEWAY_HTTP_ADDRESS": self.addresses["http"],
                "MOODFEED_GATEWAY_DEADLINE_SECONDS": "8",  # a machine that is busy otherwise is no fault of a swap
                "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": self.addresses[TOWER],
                "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": ";".join(self.addresses[shard] for shard in SHARD_NAMES),
            }
        elif name == TOWER:
            module = "user_tower_service"
            variables |= {"MOODFEED_USER_TOWER_ADDRESS": address, "MOODFEED_USER_TOWER_METRICS_PORT": "0"}
        else:
            module = "post_index_service"
            variables |= {
                "MOODFEED_POST_INDEX_ADDRESS": address,
                "MOODFEED_POST_INDEX_METRICS_PORT": "0",
                "MOODFEED_POST_INDEX_SHARDS": str(SHARDS),
                "MOODFEED_POST_INDEX_SHARD": name.removeprefix("shard "),
            }
        log = self.root / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                env=os.environ | variables,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes[name] = process
        wait_until(lambda: process.poll() is not None or is_serving(address), what=name)
        assert process.poll() is None, log.read_text(encoding="utf-8")

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def gateway_sees(self, name: str) -> bool:
        """Whether the gateway counts a shard as well."""
        lines = httpx.get(f"http://{self.addresses['http']}/metrics", timeout=5).text.splitlines()
        return f'moodfeed_downstream_replicas_well{{service="post_index_service {name} of {SHARDS}"}} 1.0' in lines

    def point_at(self, name: str, bundle_id: str) -> None:
        """Another bundle is current for a process, which takes it when it looks next."""
        point_current_at(self.bundles_of(name), bundle_id)

    def swap(self, name: str, bundle_id: str) -> None:
        """Have one process take another bundle, and wait until it is current there."""
        self.point_at(name, bundle_id)
        with grpc.insecure_channel(self.addresses[name]) as channel:
            stub = bundle_pb2_grpc.BundleServiceStub(channel)
            held = bundle_pb2.GetHeldBundlesRequest()
            wait_until(lambda: stub.GetHeldBundles(held, timeout=10).current_bundle_id == bundle_id, what=name)


@contextmanager
def running_shards(root: Path, seeds: Sequence[int]) -> Iterator[tuple[ShardFleet, list[Path]]]:
    """A fleet that serves the first of its bundles, one for each seed."""
    names = (*SHARD_NAMES, TOWER, GATEWAY, "http")
    fleet = ShardFleet(root, dict(zip(names, free_addresses(len(names)), strict=True)))
    directories = fleet.write_bundles(seeds)
    with ExitStack() as stack:
        for name in names[:-1]:
            stack.callback(lambda name=name: name in fleet.processes and fleet.kill(name))
            fleet.start(name)
        yield fleet, directories
