import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from cli.stack import Addresses, Stack, running_stack
from moodfeed.feed.v1 import feed_pb2_grpc


@dataclass(frozen=True, slots=True)
class Running:
    """The product over the small bundle, in three processes or in one, and what the bundle holds."""

    addresses: Addresses
    stack: Stack
    bundle: Bundle
    posts: IndexPosts
    users: KnownUsers

    @property
    def http(self) -> str:
        return f"http://{self.addresses.gateway_http}"

    def busiest_username(self) -> str:
        return self.users.usernames[int(np.diff(self.users.offsets).argmax())]

    def username_without_history(self) -> str:
        return self.users.usernames[int(np.diff(self.users.offsets).argmin())]

    def largest_category(self) -> int:
        return int(np.bincount(self.posts.category_ids[self.posts.category_ids > 0]).argmax())


_HELD: list[socket.socket] = []


def free_addresses() -> Addresses:
    """Four addresses that nobody else is given while the tests run.

    Each port stays bound by a socket that does not listen, so that the kernel hands it to no other socket that asks for
    any port. A server that names the port and sets SO_REUSEADDR, as all of ours do, can still listen on it.
    """
    sockets = [socket.socket() for _ in range(4)]
    for item in sockets:
        item.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        item.bind(("127.0.0.1", 0))
    _HELD.extend(sockets)
    return Addresses(*(f"127.0.0.1:{item.getsockname()[1]}" for item in sockets))


@contextmanager
def running_product(bundles: Path, logs: Path, *, embedded: bool, is_for_one_person: bool = False) -> Iterator[Running]:
    bundle = open_bundle(current_bundle(bundles))
    addresses = free_addresses()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_POST_INDEX_METRICS_PORT", "0")
        environment.setenv("MOODFEED_USER_TOWER_METRICS_PORT", "0")
        with running_stack(
            bundles,
            addresses,
            logs=logs,
            embedded=embedded,
            store=logs / "store.sqlite",
            is_for_one_person=is_for_one_person,
        ) as stack:
            yield Running(addresses, stack, bundle, IndexPosts.read(bundle), KnownUsers.read(bundle))


@pytest.fixture(scope="session")
def three_processes(small_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For what only three processes have."""
    with running_product(small_bundles, tmp_path_factory.mktemp("three"), embedded=False) as running:
        yield running


@pytest.fixture(scope="session")
def one_process(small_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For what only one process has."""
    with running_product(small_bundles, tmp_path_factory.mktemp("one"), embedded=True) as running:
        yield running


@pytest.fixture(scope="session", params=["three_processes", "one_process"])
def running(request: pytest.FixtureRequest) -> Running:
    """Either layout: the contract is the same."""
    product: Running = request.getfixturevalue(request.param)
    return product


@pytest.fixture(scope="session")
def feeds(running: Running) -> Iterator[feed_pb2_grpc.FeedServiceStub]:
    with grpc.insecure_channel(running.addresses.gateway_grpc) as channel:
        yield feed_pb2_grpc.FeedServiceStub(channel)
