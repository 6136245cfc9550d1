"""The product with traces: over a tiny bundle, in three processes or in one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from benchmarks.synthetic import Size, write_synthetic_bundle
from bundle.directory import point_current_at
from cli.stack import Addresses, Stack, running_stack
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.end_to_end.conftest import free_addresses
from tests.trace_receiver import TraceReceiver

SIZE = Size(posts=300, users=20, categories=2, category_posts=100)
PARENT = "00f067aa0ba902b7"


@dataclass(frozen=True, slots=True)
class Traced:
    """The product, and what its receiver has got."""

    addresses: Addresses
    stack: Stack
    receiver: TraceReceiver
    is_one_process: bool
    logs: Path

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return httpx.get(f"http://{self.addresses.gateway_http}{path}", headers=headers, timeout=20)

    def post(self, path: str, document: object, headers: Mapping[str, str]) -> httpx.Response:
        return httpx.post(f"http://{self.addresses.gateway_http}{path}", json=document, headers=headers, timeout=20)

    def ask(
        self, metadata: Sequence[tuple[str, str]] = (), **fields: object
    ) -> tuple[feed_pb2.GetFeedResponse, Mapping[str, str | bytes]]:
        """A feed, and its trailing metadata."""
        with grpc.insecure_channel(self.addresses.gateway_grpc) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            answer, call = stub.GetFeed.with_call(feed_pb2.GetFeedRequest(**fields), metadata=metadata, timeout=20)
        return answer, {item.key: item.value for item in call.trailing_metadata()}


def tiny_bundles(directory: Path) -> Path:
    """A directory of bundles whose current one is tiny."""
    bundles = directory / "bundles"
    point_current_at(bundles, write_synthetic_bundle(bundles, SIZE, seed=1).name)
    return bundles


@contextmanager
def traced_product(directory: Path, *, embedded: bool, ratio: str, receiver: TraceReceiver) -> Iterator[Traced]:
    """Run the product until the block ends."""
    bundles, addresses = tiny_bundles(directory), free_addresses()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "POST_INDEX_METRICS_PORT": "0",
            "USER_TOWER_METRICS_PORT": "0",
            "TRACES_ENDPOINT": receiver.url,
            "TRACES_RATIO": ratio,
            "GATEWAY_DEADLINE_SECONDS": "20",
        }.items():
            environment.setenv(f"MOODFEED_{name}", value)
        logs = directory / "logs"
        store = directory / "store.sqlite"
        with running_stack(
            bundles, addresses, logs=logs, embedded=embedded, store=store, is_for_one_person=True
        ) as stack:
            yield Traced(addresses, stack, receiver, embedded, logs)


def parent_of(number: int, flags: str = "01") -> str:
    return f"00-{number:032x}-{PARENT}-{flags}"
