"""Processor time per feed of the gateway and the index, of other working copies and of this one, in turns.

    git worktree add --detach ../before COMMIT
    python -m benchmarks.scale.versions ../before [../between ...] [--blocks 60] [--requests 150]

Each version runs a gateway and an index of its own over `bundles/`; one user tower, of this version, serves all.
A second pair of processes of the first copy tells how much two runs of one version differ.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import grpc

from benchmarks.processes import Started, free_addresses
from bundle.directory import current_bundle, open_bundle
from bundle.known_users import KnownUsers
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving

_HERE = Path(__file__).parents[2]
_USERS = 20
_WARM_BLOCKS = 3
_PARTS = ("gateway", "post_index_service")


@dataclass(frozen=True)
class Version:
    """A gateway and its index."""

    processes: Mapping[str, subprocess.Popen[bytes]]
    stub: feed_pb2_grpc.FeedServiceStub

    def microseconds(self) -> dict[str, float]:
        """The processor time of each process so far, of all its threads."""
        return {name: _nanoseconds(process.pid) / 1e3 for name, process in self.processes.items()}


def _nanoseconds(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("copies", type=Path, nargs="+", help="working copies of other commits")
    parser.add_argument("--bundles", type=Path, default=_HERE / "bundles")
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--requests", type=int, default=150)
    options = parser.parse_args()
    copies = {path.resolve().name: path.resolve() for path in options.copies}
    first, *_ = copies
    if len(copies) < len(options.copies) or {f"{first} again", "now"} & copies.keys():
        parser.error('copies are told apart by the names of their directories: give each another one, and none "now"')
    users = KnownUsers.read(open_bundle(current_bundle(options.bundles))).usernames
    asked = [
        feed_pb2.GetFeedRequest(username=username, **fields)
        for username in islice(users, _USERS)
        for fields in ({}, {"mood": "calm and happy"}, {"page_size": 50})
    ]
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        codes = copies | {f"{first} again": copies[first], "now": _HERE}
        versions = _started(stack, codes, options.bundles.resolve(), Path(logs))
        measured: dict[str, dict[str, list[float]]] = {name: {part: [] for part in _PARTS} for name in versions}
        names = list(versions)
        for block in range(_WARM_BLOCKS + options.blocks):
            for name in [*names[block % len(names) :], *names[: block % len(names)]]:  # each is first as often
                spent = _spent(versions[name], asked, options.requests)
                if block >= _WARM_BLOCKS:
                    for part, value in spent.items():
                        measured[name][part].append(value)
    for part in _PARTS:
        for name, parts in measured.items():
            ratios = [100 * (now / then - 1) for now, then in zip(parts[part], measured[first][part], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            median = statistics.median(parts[part])
            error = 1.57 * (high - low) / math.sqrt(len(ratios))  # of a median, at 95 % (McGill and others, 1978)
            print(f"{part:20} {name:20} {median:8.1f} µs a feed, {middle:+.2f} % ± {error:.2f}")


def _spent(version: Version, asked: Sequence[feed_pb2.GetFeedRequest], count: int) -> dict[str, float]:
    """Microseconds of a feed in each process, over so many of them."""
    before = version.microseconds()
    for number in range(count):
        version.stub.GetFeed(asked[number % len(asked)], timeout=10)
    after = version.microseconds()
    return {part: (after[part] - before[part]) / count for part in _PARTS}


def _started(stack: ExitStack, codes: Mapping[str, Path], bundles: Path, logs: Path) -> dict[str, Version]:
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_POST_INDEX_METRICS_PORT": "0",
        "MOODFEED_USER_TOWER_METRICS_PORT": "0",
    }
    addresses = iter(free_addresses(1 + 3 * len(codes)))
    tower = next(addresses)
    stack.enter_context(
        _process("user_tower_service", _HERE, tower, environment | {"MOODFEED_USER_TOWER_ADDRESS": tower}, logs)
    )
    versions: dict[str, Version] = {}
    for name, code in codes.items():
        index, gateway, http = islice(addresses, 3)
        processes = {
            "post_index_service": stack.enter_context(
                _process("post_index_service", code, index, environment | {"MOODFEED_POST_INDEX_ADDRESS": index}, logs)
            ),
            "gateway": stack.enter_context(
                _process(
                    "gateway",
                    code,
                    gateway,
                    environment
                    | {
                        "MOODFEED_GATEWAY_GRPC_ADDRESS": gateway,
                        "MOODFEED_GATEWAY_HTTP_ADDRESS": http,
                        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": tower,
                        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": index,
                    },
                    logs,
                )
            ),
        }
        channel = stack.enter_context(grpc.insecure_channel(gateway))
        versions[name] = Version(processes, feed_pb2_grpc.FeedServiceStub(channel))
    return versions


@contextmanager
def _process(
    module: str, code: Path, address: str, environment: Mapping[str, str], logs: Path
) -> Iterator[subprocess.Popen[bytes]]:
    log = logs / f"{module}-{address.rpartition(':')[2]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=code, env=environment, stdout=output, stderr=output
        )
    try:
        Started(module, process, log).wait_until(lambda: is_serving(address))
        yield process
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
